# What bench/on_gpu.sh and bench/compile_cuda.sh share: compiling and linking with g++ alone against a LibTorch in a
# folder. Sourced, in the root of the checkout. A folder may be a root such as /usr, an unpacked LibTorch, the `torch`
# folder of a Python package, /usr/local/cuda.

# first PATTERN ...: prints the first file that there is of those that match.
first() { compgen -G "$1" | head -1 || { shift; [ $# -gt 0 ] && first "$@"; }; }

# find_cuda LIBTORCH: sets `cuda`, unless it is set, to the folder in which include/cuda_runtime_api.h lies.
find_cuda() {
  local libtorch=$1 header
  if [ -z "${cuda:-}" ]; then
    header=$(first "$libtorch/include/cuda_runtime_api.h" "$libtorch/../nvidia/*/include/cuda_runtime_api.h" \
      "${CUDA_HOME:-/usr/local/cuda}/include/cuda_runtime_api.h" /usr/include/cuda_runtime_api.h) ||
      {
        echo "error: there is no cuda_runtime_api.h beside --libtorch=$libtorch;" \
          "say with --cuda where include/cuda_runtime_api.h is" >&2
        return 1
      }
    cuda=$(dirname "$(dirname "$header")")
  fi
}

# torch_flags LIBTORCH CUDA WORK: sets `flags`, with which our code is compiled against the headers of both folders.
# CUDA may be empty.
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
    [ -f "$cuda/include/crt/host_config.h" ] || {
      echo "error: there is no include/crt/host_config.h in --cuda=$cuda;" \
        "Python's packages have it in cuda-toolkit[crt]" >&2
      return 1
    }
    flags+=(-DECG_WITH_CUDA)
    # Processes on several devices.
    if folder=$(first "$libtorch/include/nccl.h" "$libtorch/../nvidia/nccl/include/nccl.h" "$cuda/include/nccl.h"); then
      folder=$(dirname "$folder")
      [ "$(readlink -f "$folder")" = /usr/include ] || flags+=(-isystem "$folder")
    fi
    # Debian 12 ships LibTorch's CUDA headers but for this one, which says how a Windows library is linked.
    if [ ! -f "$libtorch/include/c10/cuda/impl/cuda_cmake_macros.h" ]; then
      mkdir -p "$work/c10/cuda/impl"
      touch "$work/c10/cuda/impl/cuda_cmake_macros.h"
    fi
  fi
}

# find_libraries LIBTORCH: sets `libraries`, with which our programs are linked, and `cuda`, which becomes empty where
# LibTorch has no CUDA.
find_libraries() {
  local libtorch=$1 library lib runtime
  library=$(first "$libtorch/lib/libtorch_cpu.so" "$libtorch/lib/*-linux-gnu/libtorch_cpu.so") ||
    { echo "error: there is no lib/libtorch_cpu.so in --libtorch=$libtorch" >&2; return 1; }
  lib=$(dirname "$library")
  # Until 2.6 PyTorch's packages for Python have std::string in the form from before C++11.
  if grep -q ErrorC1ENS_14SourceLocationESs "$lib/libc10.so"; then
    echo "error: --libtorch=$libtorch has the C++ library's interface from before C++11, which cannot be linked with" \
      "this system's protobuf and Abseil; take a cxx11-abi build, or version 2.7 or later" >&2
    return 1
  fi
  libraries=("-L$lib" "-Wl,-rpath,$lib" -ltorch -ltorch_cpu -lc10)
  if [ -f "$lib/libtorch_cuda.so" ]; then
    find_cuda "$libtorch"
    runtime=$(first "$lib/libcudart*.so*" "$libtorch/../nvidia/*/lib/libcudart.so*" "$cuda/lib64/libcudart.so*" \
      "$cuda/lib/libcudart.so*" "$cuda/lib/*-linux-gnu/libcudart.so*") ||
      { echo "error: there is no libcudart.so beside LibTorch or in $cuda" >&2; return 1; }
    # The CUDA parts register themselves when they are loaded. What they need themselves, they find when they are run.
    libraries+=(-Wl,--no-as-needed -ltorch_cuda -lc10_cuda -Wl,--as-needed "$runtime"
      "-Wl,-rpath,$(dirname "$runtime")" -Wl,--allow-shlib-undefined)
  else
    cuda=""
  fi
}

# generate WORK: writes the C++ of our protobuf messages to WORK/proto, and the headers with texts that programs carry.
generate() {
  protoc --cpp_out="$1" proto/options.proto proto/experiment.proto proto/run.proto proto/sweep.proto proto/tensorboard.proto
  local package name src constant
  while read -r package name src constant; do
    # Chart.js is the only text that is not ours; pages do without it where it is not installed.
    if [ "$src" = @system//:chart.js ]; then
      src=$(first /usr/share/javascript/chart.js/chart.min.js /usr/share/javascript/chart.js/Chart.min.js) || src=/dev/null
    else
      src=$package/$src
    fi
    embed "$src" "$constant" "$1/$package/$name.h"
  done < <(awk '/^embed_text\(/ { name = src = constant = "" }
                { value = $3; gsub(/[",]/, "", value) }
                $1 == "name" { name = value }
                $1 == "src" { src = value }
                $1 == "constant" { sub("/BUILD$", "", FILENAME); print FILENAME, name, src, value }' ecg/*/BUILD)
}

# embed TEXT CONSTANT HEADER: writes the header that bazel/embed_text.bzl makes of a text.
embed() {
  mkdir -p "$(dirname "$3")"
  {
    printf '#pragma once\nnamespace ecg {\ninline constexpr char %s[] = R"embedded(' "$2"
    cat "$1"
    printf ')embedded";\n}  // namespace ecg\n'
  } >"$3"
}

# sources_of FILE ...: prints the sources of ecg that these files need: those beside the headers that they include.
sources_of() {
  local seen=" " queue=("$@") file header
  while [ ${#queue[@]} -gt 0 ]; do
    file=${queue[0]} queue=("${queue[@]:1}")
    for header in $(grep -ohE '^#include "ecg/[^"]+' "$file" | cut -d'"' -f2); do
      case $seen in *" $header "*) continue ;; esac
      seen+="$header "
      [ ! -f "$header" ] || queue+=("$header")
      [ ! -f "${header%.h}.cc" ] || { queue+=("${header%.h}.cc"); echo "${header%.h}.cc"; }
    done
  done
}

# compile SOURCE OBJECT
compile() {
  echo "compiling $1" >&2
  g++ "${flags[@]}" -c "$1" -o "$2.tmp"
  mv "$2.tmp" "$2"
}

# in_parallel SOURCE OBJECT ...: compiles each source, as many at once as there are cores and memory for.
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

# compile_sources_of WORK FILE ...: compiles the sources of ecg that these files need, each once, and sets `objects`.
declare -A is_compiled
compile_sources_of() {
  local work=$1 source object missing=()
  objects=()
  for source in $(sources_of "${@:2}"); do
    object=$work/$(tr / - <<<"${source%.cc}").o
    objects+=("$object")
    [ -n "${is_compiled[$source]:-}" ] || missing+=("$source" "$object")
    is_compiled[$source]=yes
  done
  in_parallel "${missing[@]}"
}

# build_programs WORK: makes WORK/on_gpu and WORK/resnet18_all, after `generate`, by `flags` and `libraries`.
build_programs() {
  local work=$1 messages objects program system system_libraries
  system=(absl_flat_hash_map absl_flat_hash_set absl_hash absl_status absl_statusor absl_str_format absl_strings
    absl_time protobuf libzip matio zlib libcrypto cairo cpp-httplib pugixml)
  read -ra system_libraries <<<"$(pkg-config --libs "${system[@]}") -lcsv -lisal -lonnx_proto -lpthread -fopenmp"
  in_parallel bazel/spec_compiler.cc "$work/spec_compiler.o" bazel/part_factory.cc "$work/part_factory.o" \
    "$work/proto/options.pb.cc" "$work/options.o" "$work/proto/experiment.pb.cc" "$work/experiment.o" \
    "$work/proto/run.pb.cc" "$work/run.o" "$work/proto/sweep.pb.cc" "$work/sweep.o" "$work/proto/tensorboard.pb.cc" "$work/tensorboard.o"
  messages=("$work/options.o" "$work/experiment.o" "$work/run.o" "$work/sweep.o" "$work/tensorboard.o")
  for program in spec_compiler part_factory; do
    compile_sources_of "$work" "bazel/$program.cc"
    g++ "$work/$program.o" "${objects[@]}" "${messages[@]}" "${system_libraries[@]}" -o "$work/$program"
  done
  "$work/spec_compiler" --spec=examples/resnet18_all.textproto --name=resnet18_all --output="$work/resnet18_all_main.cc"
  "$work/part_factory" >"$work/built_in_parts.cc"
  # These have no headers of their own, by which they would be found.
  in_parallel bench/on_gpu.cc "$work/on_gpu.o" ecg/corpus/datasets.cc "$work/datasets.o" \
    "$work/built_in_parts.cc" "$work/built_in_parts.o" "$work/resnet18_all_main.cc" "$work/resnet18_all.o"
  compile_sources_of "$work" ecg/corpus/datasets.cc bench/on_gpu.cc "$work/built_in_parts.cc" \
    "$work/resnet18_all_main.cc"
  ar rcs "$work/libecg.a" "${objects[@]}"
  echo "linking" >&2
  g++ "$work/on_gpu.o" "$work/datasets.o" "$work/libecg.a" "${messages[@]}" "${libraries[@]}" \
    "${system_libraries[@]}" -o "$work/on_gpu"
  g++ "$work/resnet18_all.o" "$work/built_in_parts.o" "$work/datasets.o" "$work/libecg.a" "${messages[@]}" \
    "${libraries[@]}" "${system_libraries[@]}" -o "$work/resnet18_all"
}
