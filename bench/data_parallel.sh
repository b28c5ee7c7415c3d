#!/usr/bin/env bash
# Training in one and in several processes of this machine, one thread each, in alternation: the seconds of a step, what
# of it is the exchange of gradients, and what an ideal network would leave.
#
#   bench/data_parallel.sh [--processes=2] [--experiment=resnet18_all] [--data_dir=FOLDER] [--rounds=3] [FLAG...]
#
# With FLAG, such as --set=training.data_parallel.bfloat16_gradients=true, several processes train so. Each process has
# the same share of a batch as the one process alone, so that what it computes in a step is the same.
set -euo pipefail
cd "$(dirname "$0")/.."
processes=2 experiment=resnet18_all rounds=3 data=(--demo_records=640) flags=()
for argument in "$@"; do
  case $argument in
    --processes=*) processes=${argument#*=} ;;
    --experiment=*) experiment=${argument#*=} ;;
    --rounds=*) rounds=${argument#*=} ;;
    --data_dir=*) data=("$argument") ;;
    --*) flags+=("$argument") ;;
    *)
      sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
      exit 1
      ;;
  esac
done
./bazelw build "//examples:$experiment" >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
share=32
# seconds NAME FLAG...: of a step of the last epoch.
seconds() {
  local name=$1
  shift
  "bazel-bin/examples/$experiment" "${data[@]}" --set=training.epochs=3 --set=training.validate_every_epochs=3 \
    --set=runtime.threads=1 --output_dir="$work/$name" "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
  awk -F, -v batch="$((share * ${processes_now:-1}))" '
    NR == 1 { for (i = 1; i <= NF; ++i) column[$i] = i; next }
    { seconds = $column["training_seconds"] / ($column["crops"] / batch) } END { printf "%.4f", seconds }' \
    "$work/$name/history.csv"
}
printf '%-8s  %12s  %18s  %10s\n' round "1 process, s" "$processes processes, s" efficiency
for ((round = 1; round <= rounds; ++round)); do
  one=$(seconds "one$round" --set=training.batch_size=$share)
  several=$(processes_now=$processes seconds "several$round" --set=training.batch_size=$((share * processes)) \
    --processes="$processes" ${flags[@]+"${flags[@]}"})
  printf '%-8s  %12s  %18s  %9s%%\n' "$round" "$one" "$several" "$(awk -v a="$one" -v b="$several" 'BEGIN { printf "%.0f", 100 * a / b }')"
done
