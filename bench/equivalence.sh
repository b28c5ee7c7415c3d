#!/usr/bin/env bash
# Compares what our ResNet-18 and the reference's learn from the same records, over seeds:
#
#   bench/equivalence.sh --reference=DIR --data=FOLDER [--seeds=20] [--epochs=20] [--python=python3]
#
# DIR is a checkout of seitalab/dnn_ecg_comparison, FOLDER has ptbxl_database.csv and records at 100 Hz. Both train on
# task `all`, split 1, for so many epochs, each by its own code, and test the last weights. Prints each seed's macro
# ROC-AUC, and the mean difference with its 95% interval. One thread each, side by side; a pair takes about a minute.
# Python needs the packages that bench/equivalence.py names.
set -euo pipefail
cd "$(dirname "$0")/.."
reference="" data="" seeds=20 epochs=20 python=python3
for argument in "$@"; do
  case $argument in
    --reference=*) reference=${argument#*=} ;;
    --data=*) data=${argument#*=} ;;
    --seeds=*) seeds=${argument#*=} ;;
    --epochs=*) epochs=${argument#*=} ;;
    --python=*) python=${argument#*=} ;;
    *) reference="" && break ;;
  esac
done
if [ -z "$reference" ] || [ -z "$data" ]; then
  sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
  exit 1
fi
./bazelw build //examples:resnet18_all >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1
theirs() { "$python" bench/equivalence.py "$reference" "$data" "$work/reference" "$@" 2>"$work/errors"; }
theirs prepare >&2 || { cat "$work/errors" >&2 && exit 1; }
for ((seed = 1; seed <= seeds; ++seed)); do
  XDG_CACHE_HOME=$work/cache bazel-bin/examples/resnet18_all --data_dir="$data" --device=cpu \
    --output_dir="$work/run-$seed" --set=runtime.seed="$seed" --set=data.ptb_xl.sampling_frequency_hz=100 \
    --set=training.epochs="$epochs" --set=training.validate_every_epochs="$epochs" >"$work/ours" &
  score=$(theirs train "$seed" "$epochs" | sed -n 's/^score \([^ ]*\).*/\1/p')
  [ -n "$score" ] || { cat "$work/errors" >&2 && exit 1; }
  wait $! || { cat "$work/ours" >&2 && exit 1; }
  echo "$seed $(sed -nE 's/^test macro ROC-AUC ([0-9.]+) .*/\1/p' "$work/ours") $score" | tee -a "$work/table" >&2
done
"$python" bench/equivalence.py "$work/table"
