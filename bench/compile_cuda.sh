#!/usr/bin/env bash
# Compiles all that we have for CUDA against the headers of a LibTorch with CUDA, so that a machine without a GPU
# notices a break:
#
#   bench/compile_cuda.sh --libtorch=DIR [--cuda=DIR] [--link]
#
# DIR/include holds the headers. They need not be installed; --cuda is looked for as bench/on_gpu.sh does. Debian 13 has
# LibTorch 2.6:
#
#   apt-get download libtorch-cuda-dev nvidia-cuda-dev libcu++-dev    # sections contrib and non-free
#   for package in *.deb; do dpkg -x "$package" headers; done
#   bench/compile_cuda.sh --libtorch=headers/usr --cuda=headers/usr
#
# Debian 12's libtorch-dev brings the CUDA headers of LibTorch 1.13 along: --libtorch=/usr, and --cuda with its
# nvidia-cuda-dev, unpacked as above. An unpacked LibTorch from pytorch.org and /usr/local/cuda do as well.
#
# With --link it also links bench/on_gpu.cc and an experiment, and starts both with all devices hidden: they must say
# that there is none. That needs the libraries too, such as those in PyPI's packages (5 GB; the headers in crt/ are a
# package of their own, which `torch` does not ask for):
#
#   python3 -m pip install --target=site torch 'cuda-toolkit[crt]'
#   bench/compile_cuda.sh --libtorch=site/torch --link
set -euo pipefail
usage() {
  sed -n '2,25s/^# \{0,1\}//p' "$0" >&2
  exit 1
}
libtorch="" cuda="" link=""
for argument in "$@"; do
  case $argument in
    --libtorch=*) libtorch=$(readlink -m "${argument#*=}") ;;
    --cuda=*) cuda=$(readlink -m "${argument#*=}") ;;
    --link) link=yes ;;
    *) usage ;;
  esac
done
[ -n "$libtorch" ] || usage
cd "$(dirname "$0")/.."
. bench/without_bazel.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

find_cuda "$libtorch"
torch_flags "$libtorch" "$cuda" "$work"
flags+=(-Werror -O0)
if [ -n "$link" ]; then
  find_libraries "$libtorch"
  [ -n "$cuda" ] || { echo "error: there is no libtorch_cuda.so in --libtorch=$libtorch" >&2; exit 1; }
fi
generate "$work"
g++ "${flags[@]}" -E -dM -x c++ -include torch/version.h -include "$cuda/include/cuda_runtime_api.h" /dev/null |
  awk '/define TORCH_VERSION / { gsub("\"", "", $3); torch = $3 }
       /define CUDART_VERSION / { cuda = int($3 / 1000) "." $3 % 1000 / 10 }
       END { print "LibTorch " torch ", CUDA " cuda }'
if [ -n "$link" ]; then
  build_programs "$work"
else
  in_parallel ecg/experiment/main.cc "$work/ecg-experiment-main.o" bench/on_gpu.cc "$work/on_gpu.o"
fi
for object in ecg-experiment-main on_gpu; do
  # Without it the code would be the CPU's.
  nm -C "$work/$object.o" | grep -c 'at::cuda::CUDAGraph::replay' >/dev/null ||
    { echo "error: $object.o uses no CUDA" >&2; exit 1; }
done
echo "compiled"
[ -n "$link" ] || exit 0

# expect STATUS LINE PROGRAM ARGUMENT ...: starts a program, which must end with this status and print this line.
expect() {
  local expected=$1 line=$2 status=0
  shift 2
  echo "starting ${1##*/} ${*:2}"
  "$@" >"$work/output" 2>&1 || status=$?
  cat "$work/output"
  [ "$status" = "$expected" ] || { echo "error: its exit status is $status, not $expected" >&2; exit 1; }
  grep -qF -- "$line" "$work/output" || { echo "error: it does not say '$line'" >&2; exit 1; }
}
for program in on_gpu resnet18_all; do
  # Without this library there would be no device on any machine.
  needed=$(ldd "$work/$program")
  grep -q libtorch_cuda.so <<<"$needed" || { echo "error: $program does not load libtorch_cuda.so" >&2; exit 1; }
  ! grep "not found" <<<"$needed" >&2 || { echo "error: $program lacks these libraries" >&2; exit 1; }
done
export CUDA_VISIBLE_DEVICES="" XDG_CACHE_HOME="$work/cache"
none="this machine has no usable CUDA device"
run=(--device=cuda --demo_records=100 --output_dir="$work/run" --set=training.epochs=1)
expect 0 "cuda is not there ($none); using the CPU instead" "$work/on_gpu" --records=100
expect 1 "error: cannot use cuda: $none" "$work/resnet18_all" "${run[@]}" --set=runtime.fall_back_to_cpu=false
expect 0 "cuda is not there ($none); using the CPU instead" "$work/resnet18_all" "${run[@]}"
echo "linked and started"
