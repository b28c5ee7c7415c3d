#!/usr/bin/env bash
# Time and memory by corpus size: synthetic records like PTB-XL's are generated, packed, trained on for one epoch and
# tested, for 1,000, 5,000 and 21,837 records. Memory is the peak of anonymous memory (not mapped files).
#
#   bench/scaling.sh [--records="1000 5000 21837"] [--experiment=resnet18_all] [--set=PATH=VALUE ...]
#
# Beyond 21,837, the index lists the same records again under new ids: each is still read, packed and trained on. 21,837
# records need 6.5 GB of disk (3.9 GB at both sampling frequencies, 2.6 GB packed); 200,000 need 28 GB. Everything is
# deleted at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
sizes="1000 5000 21837" experiment=resnet18_all flags=()
for argument in "$@"; do
  case $argument in
    --records=*) sizes=${argument#*=} ;;
    --experiment=*) experiment=${argument#*=} ;;
    --set=*) flags+=("$argument") ;;
    *)
      sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
      exit 1
      ;;
  esac
done
./bazelw build //cli:make_demo //cli:pack "//examples:$experiment" >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache

. bench/measure.sh
# Seconds and MB of a command.
spent() { measure "$@" | awk '{ printf "%9.1f s %6d MB", $1, $2 }'; }
whole=21837
# Repeats the rows of the index up to the given number of records.
list_again() {
  awk -v all="$1" 'NR == 1 { print; next } { rows[++count] = $0 }
    END { for (i = 1; i <= all; ++i) { row = rows[(i - 1) % count + 1]; sub(/^[0-9]+/, i, row); print row } }' \
    "$work/demo/ptbxl_database.csv" >"$work/table"
  mv "$work/table" "$work/demo/ptbxl_database.csv"
}
printf '%8s  %21s  %21s  %34s\n' records "generating" packing "one epoch, tested (the epoch alone)"
for records in $sizes; do
  made=$(spent bazel-bin/cli/make_demo --records=$((records < whole ? records : whole)) --output_dir="$work/demo")
  list_again "$records"
  packed=$(spent bazel-bin/cli/pack --data_dir="$work/demo" --output_dir="$work/packed")
  rm -rf "$work/packed"
  run=$(spent "bazel-bin/examples/$experiment" --data_dir="$work/demo" --output_dir="$work/run" --device=cpu \
    --set=training.epochs=1 "${flags[@]}")
  epoch=$(awk -F, 'NR == 1 { for (i = 1; i <= NF; ++i) if ($i == "training_seconds") column = i } NR == 2 { print $column }' \
    "$work/run/history.csv")
  printf '%8s  %21s  %21s  %21s (%.1f s)\n' "$records" "$made" "$packed" "$run" "$epoch"
  rm -rf "$work/demo" "$work/run" "$work/cache"
done
