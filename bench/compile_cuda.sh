#!/usr/bin/env bash
# Compiles the CUDA code against the headers of a LibTorch with CUDA, without linking or running it, so that a machine
# without a GPU notices a broken build:
#
#   bench/compile_cuda.sh --libtorch=DIR --cuda=DIR
#
# The headers are in DIR/include, and need not be installed. Debian 13 has LibTorch 2.6:
#
#   apt-get download libtorch-cuda-dev nvidia-cuda-dev libcu++-dev    # sections contrib and non-free
#   for package in *.deb; do dpkg -x "$package" headers; done
#   bench/compile_cuda.sh --libtorch=headers/usr --cuda=headers/usr
#
# Debian 12's libtorch-dev includes the CUDA headers of LibTorch 1.13: --libtorch=/usr, and --cuda with its
# nvidia-cuda-dev, unpacked as above. An unpacked LibTorch from pytorch.org, the `torch` folder of a Python package and
# /usr/local/cuda work as well.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/without_bazel.sh
libtorch="" cuda=""
for argument in "$@"; do
  case $argument in
    --libtorch=*) libtorch=${argument#*=} ;;
    --cuda=*) cuda=${argument#*=} ;;
    *) libtorch="" cuda="" && break ;;
  esac
done
if [ -z "$libtorch" ] || [ -z "$cuda" ]; then
  sed -n '2,15s/^# \{0,1\}//p' "$0" >&2
  exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
torch_flags "$libtorch" "$cuda" "$work"
generate "$work"
awk '/define TORCH_VERSION_(MAJOR|MINOR)/ { printf "%s%s", sep, $3; sep = "." } BEGIN { printf "LibTorch " }
     END { print "" }' "$libtorch/include/torch/csrc/api/include/torch/version.h"
for source in ecg/experiment/compiled_programs.cc bench/on_gpu.cc; do
  echo "compiling $source"
  g++ "${flags[@]}" -Werror -O0 -c "$source" -o "$work/object.o"
  # Otherwise it compiled the CPU code only.
  nm -C "$work/object.o" | grep -c 'at::cuda::CUDAGraph::replay' >/dev/null || { echo "error: $source uses no CUDA" >&2; exit 1; }
done
echo "compiled"
