#!/usr/bin/env bash
# Times our ResNet-18 and the reference's side by side, and prints medians and ratios:
#
#   bench/compare.sh --reference=DIR    a checkout of seitalab/dnn_ecg_comparison; needs Debian's python3-torch
#   bench/compare.sh --onnxruntime=DIR  ONNX Runtime on the same network; needs Node.js, and in DIR
#                                       `ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node`
#   bench/compare.sh                    our own figures only
#
# Each pair runs alternately three times (--repeat=N), so that a change of the machine's mood meets both.
set -euo pipefail
cd "$(dirname "$0")/.."
reference="" onnxruntime="" repeat=3
for argument in "$@"; do
  case $argument in
    --reference=*) reference=${argument#*=} ;;
    --onnxruntime=*) onnxruntime=${argument#*=} ;;
    --repeat=*) repeat=${argument#*=} ;;
    *)
      sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
      exit 1
      ;;
  esac
done
./bazelw build //bench:network >&2
cores=$(nproc)

# Items per second of one of our benchmarks, with so many threads.
ours() {
  ECG_THREADS=$2 bazel-bin/bench/network --benchmark_filter="$1" --benchmark_format=csv 2>/dev/null |
    awk -F, '/^name/ { for (i = 1; i <= NF; ++i) if ($i == "items_per_second") column = i } /^"/ { print $column }'
}
theirs() { /usr/bin/python3 bench/reference.py "$reference" "$@" 2>/dev/null; }
median() { sort -g | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'; }

printf '%-44s %10s %10s %7s\n' "items per second, median of $repeat" ours theirs ratio
# row WHAT FILTER THREADS REFERENCE_ARGUMENT...
row() {
  local what=$1 filter=$2 threads=$3 mine="" other="" i
  shift 3
  for ((i = 0; i < repeat; ++i)); do
    mine+="$(ours "$filter" "$threads")"$'\n'
    [ -z "$reference" ] || other+="$(theirs "$@")"$'\n'
  done
  mine=$(median <<<"${mine%$'\n'}")
  if [ -z "$reference" ]; then
    printf '%-44s %10.1f\n' "$what" "$mine"
  else
    other=$(median <<<"${other%$'\n'}")
    awk -v what="$what" -v a="$mine" -v b="$other" 'BEGIN { printf "%-44s %10.1f %10.1f %7.2f\n", what, a, b, a / b }'
  fi
}
row "training, float32, 1 thread, crops" 'TrainingStep/precision:0/' 1 training 1 fp32
row "training, float32, $cores threads, crops" 'TrainingStep/precision:0/' "$cores" training "$cores" fp32
row "training, bfloat16, $cores threads, crops" 'TrainingStep/precision:2/' "$cores" training "$cores" bf16
row "evaluation, $cores threads, windows; as shipped" 'EvaluateRecords/precision:0/' "$cores" evaluation "$cores"
row "evaluation, $cores threads, windows; in batches" 'EvaluateRecords/precision:0/' "$cores" batches "$cores"

[ -n "$onnxruntime" ] || exit 0
# The same rows against another rival: its batches are of 64 windows, as ours are.
./bazelw build //bench:onnx_networks >&2
reference=$(mktemp -d)
trap 'rm -rf "$reference"' EXIT
bazel-bin/bench/onnx_networks --output_dir="$reference" resnet1d-18
theirs() { NODE_PATH=$onnxruntime/node_modules node bench/onnxruntime.js time "$reference/resnet1d-18.onnx" "$1"; }
for threads in 1 "$cores"; do
  row "evaluation, threads: $threads, windows; ONNX Runtime" 'EvaluateRecords/precision:0/' "$threads" "$threads"
done
