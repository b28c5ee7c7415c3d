# Sourced by bench/on_gpu.sh and bench/compile_cuda.sh: compiling with g++ alone against a LibTorch in a folder.

# torch_flags LIBTORCH CUDA WORK: sets `flags`, which compile our code against the headers of both folders. Each folder
# may be a root such as /usr, an unpacked LibTorch, the `torch` folder of a Python package, or /usr/local/cuda.
torch_flags() {
  local libtorch=$1 cuda=$2 work=$3 folder
  [ -f "$libtorch/include/torch/csrc/api/include/torch/torch.h" ] || {
    echo "error: there is no include/torch/csrc/api/include/torch/torch.h in --libtorch=$libtorch" >&2
    return 1
  }
  # LibTorch's headers parallelise loops with OpenMP.
  flags=(-std=c++20 -fopenmp -Wall -Wextra -DONNX_ML -DONNX_NAMESPACE=onnx -I. "-I$work")
  # The compiler searches /usr/include by itself; as -isystem it would come too early in the search order.
  for folder in "$libtorch/include" "$libtorch/include/torch/csrc/api/include" ${cuda:+"$cuda/include"}; do
    [ "$(readlink -f "$folder")" = /usr/include ] || flags+=(-isystem "$folder")
  done
  if [ -n "$cuda" ]; then
    [ -f "$cuda/include/cuda_runtime_api.h" ] || {
      echo "error: there is no include/cuda_runtime_api.h in --cuda=$cuda" >&2
      return 1
    }
    flags+=(-DECG_WITH_CUDA)
    # Debian 12 ships LibTorch's CUDA headers except this one, which only matters on Windows.
    if [ ! -f "$libtorch/include/c10/cuda/impl/cuda_cmake_macros.h" ]; then
      mkdir -p "$work/c10/cuda/impl"
      touch "$work/c10/cuda/impl/cuda_cmake_macros.h"
    fi
  fi
}

# generate WORK: writes the C++ of our protobuf messages to WORK/proto.
generate() {
  protoc --cpp_out="$1" proto/options.proto proto/experiment.proto proto/run.proto
}
