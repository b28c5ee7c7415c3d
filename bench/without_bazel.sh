# What bench/on_gpu.sh and bench/compile_cuda.sh share: compiling with g++ alone against a LibTorch in a folder. Sourced.

# torch_flags LIBTORCH CUDA WORK: sets `flags`, with which our code is compiled against the headers of both folders. Each
# folder may be a root such as /usr, an unpacked LibTorch, the `torch` folder of a Python package, /usr/local/cuda.
torch_flags() {
  local libtorch=$1 cuda=$2 work=$3 folder
  [ -f "$libtorch/include/torch/csrc/api/include/torch/torch.h" ] || {
    echo "error: there is no include/torch/csrc/api/include/torch/torch.h in --libtorch=$libtorch" >&2
    return 1
  }
  # OpenMP: LibTorch's headers split loops between threads by it.
  flags=(-std=c++20 -fopenmp -Wall -Wextra -DONNX_ML -DONNX_NAMESPACE=onnx -I. "-I$work")
  # The compiler looks into /usr/include by itself, and only there at the right moment.
  for folder in "$libtorch/include" "$libtorch/include/torch/csrc/api/include" ${cuda:+"$cuda/include"}; do
    [ "$(readlink -f "$folder")" = /usr/include ] || flags+=(-isystem "$folder")
  done
  if [ -n "$cuda" ]; then
    [ -f "$cuda/include/cuda_runtime_api.h" ] || {
      echo "error: there is no include/cuda_runtime_api.h in --cuda=$cuda" >&2
      return 1
    }
    flags+=(-DECG_WITH_CUDA)
    # Debian 12 ships LibTorch's CUDA headers but for this one, which says how a Windows library is linked.
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
