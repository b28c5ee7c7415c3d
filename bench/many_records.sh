#!/usr/bin/env bash
# A corpus of very many short records: how fast it is packed, how long a start takes, what a record costs in memory, and
# how fast crops are loaded.
#
#   bench/many_records.sh [--records=1000000] [--work_dir=FOLDER]
#
# The records are 3 s long at 100 Hz, 7.2 KB packed. They are rows of one table which share a thousand files, so that the
# corpus is made in a minute: what is timed is done for each row. The folder, by default a temporary one, needs 8 GB for
# a million records, and is deleted at the end. Every step is done with a quarter of the records, and with all: the
# difference of the two peaks of memory is what the records cost.
set -euo pipefail
cd "$(dirname "$0")/.."
records=1000000 work=
for argument in "$@"; do
  case $argument in
    --records=*) records=${argument#*=} ;;
    --work_dir=*) work=${argument#*=} ;;
    *)
      sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
      exit 1
      ;;
  esac
done
./bazelw build //bench:many_records //cli:make_demo //examples:resnet18_recordings >&2
work=$(mktemp -d "${work:-${TMPDIR:-/tmp}}/many_records.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The first 3 s of a thousand synthetic records, whose checksums are those of the part.
files=$((records < 1000 ? records : 1000)) samples=300
bazel-bin/cli/make_demo --records="$files" --output_dir="$work/demo" >/dev/null
mkdir "$work/corpus"
number=0
for whole in "$work"/demo/records100/*/*.dat; do
  number=$((number + 1))
  name=$(printf 'r%05d' "$number")
  head -c $((samples * 24)) "$whole" >"$work/corpus/$name.dat"
  od -An -v -td2 -w24 "$work/corpus/$name.dat" | awk -v name="$name" -v samples=$samples '
    BEGIN { split("I II III aVR aVL aVF V1 V2 V3 V4 V5 V6", leads) }
    { for (i = 1; i <= 12; ++i) { if (NR == 1) first[i] = $i; sum[i] += $i } }
    END {
      print name, 12, 100, samples
      for (i = 1; i <= 12; ++i) {
        sum[i] %= 65536
        if (sum[i] >= 32768) sum[i] -= 65536
        if (sum[i] < -32768) sum[i] += 65536
        print name ".dat 16 1000(0)/mV 16 0", first[i], sum[i], 0, leads[i]
      }
    }' >"$work/corpus/$name.hea"
done
rm -rf "$work/demo"

# table ROWS: the table of labels, with ROWS rows.
table() {
  awk -v rows="$1" -v files="$files" 'BEGIN {
    split("SR NORM AFIB LVH IMI STACH PVC", labels)
    print "id,patient,fold,age,file,labels"
    for (i = 0; i < rows; ++i) {
      printf "%d,p%d,%d,%d,r%05d,%s;%s\n", i, i / 2, 1 + int(i / 2) % 10, 20 + i % 70, 1 + i % files, labels[1 + i % 7], \
        labels[1 + int(i / 7) % 5]
    }
  }' >"$work/corpus/labels.csv"
}

# peak COMMAND...: its seconds and its largest memory in KB.
peak() {
  local begin end
  begin=$(date +%s.%N)
  "$@" >"$work/log" 2>&1 &
  local process=$!
  : >"$work/peak"
  while kill -0 "$process" 2>/dev/null; do
    awk '/VmHWM/ { print $2 }' "/proc/$process/status" >>"$work/peak" 2>/dev/null || true
    sleep 0.05
  done
  wait "$process" || { cat "$work/log" >&2; exit 1; }
  end=$(date +%s.%N)
  awk -v begin="$begin" -v end="$end" '{ if ($1 > most) most = $1 } END { print end - begin, most }' "$work/peak"
}

for rows in $((records / 4)) "$records"; do
  table "$rows"
  rm -rf "$work/ecg"
  for start in first second; do
    echo "$rows records, $start start"
    bazel-bin/bench/many_records "$work/corpus" "$work/ecg" | tee "$work/$rows.$start"
  done
  # The same packed signals, which lie in the cache.
  export XDG_CACHE_HOME=$work
  peak bazel-bin/examples/resnet18_recordings --describe --data_dir="$work/corpus" \
    --set=data.recordings.sampling_frequency_hz=100 >"$work/$rows.describe"
  awk '{ printf "%-28s %8.1f s %34.0f MB\n", "--describe", $1, $2 / 1e3 }' "$work/$rows.describe"
done

# memory ROWS START LINE: the MB in a line of what many_records printed. Loading maps the signals, whose pages the system
# takes back when memory is short, so the line of the loader is not used.
memory() { awk -v line="$3" 'NR == line { print $(NF - 1) }' "$work/$1.$2"; }
few=$((records / 4))
awk -v records=$((records - few)) -v pack="$(memory $few first 3) $(memory "$records" first 3)" \
  -v open="$(memory $few second 4) $(memory "$records" second 4)" \
  -v describe="$(awk '{ print $2 / 1e3 }' "$work/$few.describe" "$work/$records.describe" | tr '\n' ' ')" '
  function bytes(peaks) { split(peaks, mb, " "); return (mb[2] - mb[1]) * 1e6 / records }
  BEGIN {
    printf "bytes a record, of the peaks: packing %.0f, opening and scaling %.0f, --describe %.0f\n", bytes(pack),
      bytes(open), bytes(describe)
  }'
