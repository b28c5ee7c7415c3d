#!/usr/bin/env bash
# Builds the main experiment and its checks without Bazel, runs them on a CUDA device, and prints a table:
#
#   bench/on_gpu.sh --libtorch=DIR [--cuda=DIR] [--records=21837 | --data_dir=PTBXL] [--build_dir=DIR]
#
# --libtorch is an unpacked LibTorch, the `torch` folder of a Python package, or a root such as /usr. --cuda is the
# folder with include/cuda_runtime_api.h; by default it is searched beside LibTorch, in $CUDA_HOME and in
# /usr/local/cuda. Abseil, protobuf and the rest are the distribution's; on Debian or Ubuntu:
#
#   apt-get install g++ pkg-config protobuf-compiler libprotobuf-dev libabsl-dev libcli11-dev nlohmann-json3-dev \
#     libcsv-dev libmatio-dev libonnx-dev libssl-dev libzip-dev zlib1g-dev
#
# Without CUDA it runs too, with "no CUDA device" in each row that needs one. Synthetic records (4 GB for 21,837) are
# cached in ~/.cache/ecg, build outputs in --build_dir, by default build_on_gpu.
set -euo pipefail
usage() {
  sed -n '2,14s/^# \{0,1\}//p' "$0" >&2
  exit 1
}
libtorch="" cuda="" build=build_on_gpu data=(--records=21837)
for argument in "$@"; do
  case $argument in
    --libtorch=*) libtorch=$(readlink -f "${argument#*=}") ;;
    --cuda=*) cuda=$(readlink -f "${argument#*=}") ;;
    --build_dir=*) build=${argument#*=} ;;
    --data_dir=*) data=(--data_dir="$(readlink -f "${argument#*=}")") ;;
    --records=*) data=("$argument") ;;
    *) usage ;;
  esac
done
[ -n "$libtorch" ] || usage
mkdir -p "$build"
build=$(readlink -f "$build")
cd "$(dirname "$0")/.."
. bench/without_bazel.sh

# The first file that matches one of the patterns.
first() { compgen -G "$1" | head -1 || { shift; [ $# -gt 0 ] && first "$@"; }; }
library=$(first "$libtorch/lib/libtorch_cpu.so" "$libtorch/lib/*-linux-gnu/libtorch_cpu.so") ||
  { echo "error: there is no lib/libtorch_cpu.so in --libtorch=$libtorch" >&2; exit 1; }
lib=$(dirname "$library")
# Until 2.6 PyTorch's Python packages used the pre-C++11 ABI of std::string.
if grep -q ErrorC1ENS_14SourceLocationESs "$lib/libc10.so"; then
  echo "error: --libtorch=$libtorch uses the pre-C++11 ABI, which cannot be linked with this" \
    "system's protobuf and Abseil; take a cxx11-abi build, or version 2.7 or later" >&2
  exit 1
fi
libraries=("-L$lib" "-Wl,-rpath,$lib" -ltorch -ltorch_cpu -lc10)
if [ -f "$lib/libtorch_cuda.so" ]; then
  if [ -z "$cuda" ]; then
    header=$(first "$libtorch/include/cuda_runtime_api.h" "$libtorch/../nvidia/*/include/cuda_runtime_api.h" \
      "${CUDA_HOME:-/usr/local/cuda}/include/cuda_runtime_api.h" /usr/include/cuda_runtime_api.h) ||
      { echo "error: there is no cuda_runtime_api.h; say with --cuda where include/cuda_runtime_api.h is" >&2; exit 1; }
    cuda=$(dirname "$(dirname "$header")")
  fi
  runtime=$(first "$lib/libcudart*.so*" "$libtorch/../nvidia/*/lib/libcudart.so*" "$cuda/lib64/libcudart.so*" \
    "$cuda/lib/libcudart.so*" "$cuda/lib/*-linux-gnu/libcudart.so*") ||
    { echo "error: there is no libcudart.so beside LibTorch or in $cuda" >&2; exit 1; }
  # LibTorch's CUDA libraries register themselves when loaded, so link them although no symbol refers to them. Their own
  # dependencies are resolved at run time.
  libraries+=(-Wl,--no-as-needed -ltorch_cuda -lc10_cuda -Wl,--as-needed "$runtime"
    "-Wl,-rpath,$(dirname "$runtime")" -Wl,--allow-shlib-undefined)
else
  cuda=""
fi
torch_flags "$libtorch" "$cuda" "$build"
flags+=(-O2)
system=(absl_flat_hash_map absl_status absl_statusor absl_str_format absl_strings absl_time protobuf libzip matio zlib
  libcrypto)
read -ra system_libraries <<<"$(pkg-config --libs "${system[@]}") -lcsv -lonnx_proto -lpthread -fopenmp"

# compile SOURCE OBJECT
compile() {
  echo "compiling $1" >&2
  g++ "${flags[@]}" -c "$1" -o "$build/$2.tmp"
  mv "$build/$2.tmp" "$build/$2"
}
# in_parallel SOURCE OBJECT ...: compiles the sources in parallel, as far as cores and memory allow.
in_parallel() {
  local most running=0 pids=() pid
  most=$(awk '/MemAvailable/ { print int($2 / 2500000) }' /proc/meminfo)
  [ "$most" -le "$(nproc)" ] || most=$(nproc)
  [ "$most" -ge 1 ] || most=1
  while [ $# -gt 0 ]; do
    compile "$1" "$2" &
    pids+=($!)
    running=$((running + 1))
    shift 2
    if [ "$running" -ge "$most" ]; then
      wait "${pids[0]}"
      pids=("${pids[@]:1}")
      running=$((running - 1))
    fi
  done
  for pid in "${pids[@]}"; do wait "$pid"; done
}

generate "$build"
in_parallel bazel/spec_compiler.cc spec_compiler.o "$build/proto/options.pb.cc" options.o \
  "$build/proto/experiment.pb.cc" experiment.o "$build/proto/run.pb.cc" run.o
messages=("$build/options.o" "$build/experiment.o" "$build/run.o")
g++ "$build/spec_compiler.o" "${messages[@]}" "${system_libraries[@]}" -o "$build/spec_compiler"
"$build/spec_compiler" --spec=examples/resnet18_all.textproto --name=resnet18_all --output="$build/resnet18_all_main.cc"
in_parallel ecg/experiment/compiled_programs.cc compiled_programs.o "$build/resnet18_all_main.cc" resnet18_all.o \
  bench/on_gpu.cc on_gpu.o
g++ "$build/on_gpu.o" "${messages[@]}" "${libraries[@]}" "${system_libraries[@]}" -o "$build/on_gpu"
g++ "$build/resnet18_all.o" "$build/compiled_programs.o" "${messages[@]}" "${libraries[@]}" "${system_libraries[@]}" \
  -o "$build/resnet18_all"

"$build/on_gpu" "${data[@]}"
