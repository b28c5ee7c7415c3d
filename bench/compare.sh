#!/usr/bin/env bash
# Times our ResNet-18 and the reference's side by side, and prints medians and ratios:
#
#   bench/compare.sh --reference=DIR    a checkout of seitalab/dnn_ecg_comparison; needs Debian's python3-torch
#   bench/compare.sh --reference=DIR --wfdb=DIR
#                                       and its whole job, which reads records with a checkout of MIT-LCP/wfdb-python
#                                       (v4.1.2) and needs the packages that bench/reference_job.py names
#   bench/compare.sh --onnxruntime=DIR  ONNX Runtime on the same network; needs Node.js, and in DIR
#                                       `ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node`
#   bench/compare.sh                    our own figures only
#
# Each pair runs alternately three times (--repeat=N), so that drift of the machine's speed affects both.
#
# The whole job is packing (the reference prepares arrays), 5 epochs with one validation at the end, and a test with 100
# bootstrap resamples, on 1,000 synthetic records (--records=N). "As shipped" the reference computes in float32 with
# LibTorch's default number of threads; if that is not all cores, it is also run with all. Memory is the peak of
# anonymous memory (not mapped files). The reference takes 3.4 GB of it for 1,000 records, and 1 GB of disk. It cannot
# run with fewer records: it fails if a class has no positive in validation or test, and it redraws resamples until each
# class has one.
set -euo pipefail
cd "$(dirname "$0")/.."
reference="" wfdb="" onnxruntime="" repeat=3 records=1000
for argument in "$@"; do
  case $argument in
    --reference=*) reference=${argument#*=} ;;
    --wfdb=*) wfdb=${argument#*=} ;;
    --onnxruntime=*) onnxruntime=${argument#*=} ;;
    --repeat=*) repeat=${argument#*=} ;;
    --records=*) records=${argument#*=} ;;
    *)
      sed -n '2,19s/^# \{0,1\}//p' "$0" >&2
      exit 1
      ;;
  esac
done
cores=$(nproc)
# The configurations of the reference's whole job; empty if it is not run.
ways=()
if [ -n "$reference" ] && [ -n "$wfdb" ]; then
  if [ "$records" -lt 1000 ]; then
    echo "--records=$records: the reference's whole job needs at least 1000 synthetic records" >&2
    exit 1
  fi
  default=$(env -u OMP_NUM_THREADS PYTHONPATH="$wfdb" /usr/bin/python3 -B -c \
    'import pandas, sklearn, torch, torchvision, tqdm, wfdb; print(torch.get_num_threads())')
  ways=("as shipped")
  [ "$default" = "$cores" ] || ways+=("in $cores threads")
fi
./bazelw build //bench:network //cli:make_demo //examples:resnet18_all >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Items per second of one of our benchmarks, with the given number of threads.
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

if [ -n "$onnxruntime" ]; then
  # The same rows against ONNX Runtime, also in batches of 64 windows.
  ./bazelw build //bench:onnx_networks >&2
  bazel-bin/bench/onnx_networks --output_dir="$work/onnx" resnet1d-18
  (
    reference=$work/onnx
    theirs() { NODE_PATH=$onnxruntime/node_modules node bench/onnxruntime.js time "$reference/resnet1d-18.onnx" "$1"; }
    for threads in 1 "$cores"; do
      row "evaluation, threads: $threads, windows; ONNX Runtime" 'EvaluateRecords/precision:0/' "$threads" "$threads"
    done
  )
fi

. bench/measure.sh
bazel-bin/cli/make_demo --records="$records" --output_dir="$work/demo" >"$work/out"

# our_job PRECISION appends a line of seconds and MB to a file.
our_job() {
  rm -rf "$work/cache" "$work/run"
  measure env XDG_CACHE_HOME="$work/cache" bazel-bin/examples/resnet18_all --data_dir="$work/demo" \
    --output_dir="$work/run" --device=cpu --set=training.epochs=5 --set=training.validate_every_epochs=5 \
    --set=runtime.precision="$1" >>"$work/$1"
}
# their_job WAY appends such a line to a file for the whole job, and to one for each step.
their_job() {
  local threads=(-u OMP_NUM_THREADS) step
  [ "$1" = "as shipped" ] || threads=(OMP_NUM_THREADS="$cores")
  rm -rf "$work/job"
  for step in prepare train evaluate; do
    measure env "${threads[@]}" /usr/bin/python3 bench/reference_job.py "$reference" "$wfdb" "$work/demo" "$work/job" \
      "$step" | tee -a "$work/$1, $step"
  done | awk '{ seconds += $1; if ($2 > most) most = $2 } END { print seconds, most }' >>"$work/$1"
}
for ((i = 0; i < repeat; ++i)); do
  for precision in FP32 BF16; do our_job "$precision"; done
  for way in "${ways[@]}"; do their_job "$way"; done
done

# of FILE COLUMN prints the median of a column.
of() { awk -v column="$2" '{ print $column }' "$work/$1" | median; }
printf '\n%-44s %10s %10s %7s %8s %9s\n' \
  "seconds for $records records, median of $repeat" ours theirs ratio "our MB" "their MB"
declare -A name=([FP32]=float32 [BF16]=bfloat16)
for precision in FP32 BF16; do
  what="whole job, ${name[$precision]}" mine=$(of "$precision" 1) memory=$(of "$precision" 2)
  [ ${#ways[@]} -gt 0 ] || printf '%-44s %10.1f %10s %7s %8d\n' "$what" "$mine" "" "" "$memory"
  for way in "${ways[@]}"; do
    awk -v what="$what; $way" -v a="$mine" -v b="$(of "$way" 1)" -v m="$memory" -v n="$(of "$way" 2)" \
      'BEGIN { printf "%-44s %10.1f %10.1f %7.2f %8d %9d\n", what, a, b, b / a, m, n }'
  done
done
for way in "${ways[@]}"; do
  printf 'the reference %s: preparing %.1f s, training %.1f s, evaluating %.1f s\n' "$way" \
    "$(of "$way, prepare" 1)" "$(of "$way, train" 1)" "$(of "$way, evaluate" 1)"
done
[ ${#ways[@]} -eq 0 ] || echo "as shipped, the reference sets no number of threads; LibTorch takes $default here"
