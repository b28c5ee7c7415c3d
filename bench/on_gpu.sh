#!/usr/bin/env bash
# Builds the main experiment and its checks without Bazel, runs them on a CUDA device, and prints a table:
#
#   bench/on_gpu.sh --libtorch=DIR [--cuda=DIR] [--records=21837 | --data_dir=PTBXL] [--build_dir=DIR]
#
# --libtorch is an unpacked LibTorch, the `torch` folder of a Python package, or a root such as /usr. --cuda is where
# include/cuda_runtime_api.h lies, and is looked for beside LibTorch, in $CUDA_HOME and in /usr/local/cuda. Abseil,
# protobuf and the rest are the distribution's; on Debian or Ubuntu:
#
#   apt-get install g++ pkg-config protobuf-compiler libprotobuf-dev libabsl-dev libcli11-dev nlohmann-json3-dev \
#     libcairo2-dev libcpp-httplib-dev libcsv-dev libisal-dev libmatio-dev libonnx-dev libpugixml-dev libssl-dev \
#     libzip-dev zlib1g-dev
#
# With a LibTorch without CUDA it runs too, and says in each row that there is no device. Synthetic records (4 GB for
# 21,837) are kept in ~/.cache/ecg. What is built is kept in --build_dir, build_on_gpu by default, for the next time.
set -euo pipefail
usage() {
  sed -n '2,17s/^# \{0,1\}//p' "$0" >&2
  exit 1
}
libtorch="" cuda="" build=build_on_gpu data=(--records=21837)
for argument in "$@"; do
  case $argument in
    --libtorch=*) libtorch=$(readlink -m "${argument#*=}") ;;
    --cuda=*) cuda=$(readlink -m "${argument#*=}") ;;
    --build_dir=*) build=${argument#*=} ;;
    --data_dir=*) data=(--data_dir="$(readlink -m "${argument#*=}")") ;;
    --records=*) data=("$argument") ;;
    *) usage ;;
  esac
done
[ -n "$libtorch" ] || usage
mkdir -p "$build"
build=$(readlink -f "$build")
cd "$(dirname "$0")/.."
. bench/without_bazel.sh

find_libraries "$libtorch"
torch_flags "$libtorch" "$cuda" "$build"
flags+=(-O2)
generate "$build"
build_programs "$build"
"$build/on_gpu" "${data[@]}"
