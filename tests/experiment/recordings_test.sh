#!/usr/bin/env bash
# Trains on a folder of ECG files of several formats with a table of labels, as an export of one's own would be.
#   recordings_test.sh BINARY MAKE_DEMO CONVERT
set -uo pipefail
binary=$PWD/$1 make_demo=$PWD/$2 convert=$PWD/$3
cd "$TEST_TMPDIR"
export XDG_CACHE_HOME=$TEST_TMPDIR/cache
unset ECG_RECORDINGS_DIR BUILD_WORKING_DIRECTORY
small=(--data_dir=data --device=cpu --set=training.epochs=1 --set=training.batch_size=16
       --set=data.recordings.sampling_frequency_hz=100)
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
succeeds() { "$binary" "${small[@]}" "$@" >out 2>err || { fail "$* should succeed"; cat out err; }; }
refuses() {
  local message=$1 status=0
  shift
  "$binary" "${small[@]}" "$@" >out 2>err || status=$?
  [ $status = 1 ] || fail "$* should exit with 1, not $status"
  grep -qF -- "$message" err || { fail "$* should say: $message"; cat err; }
}
says() { grep -qF -- "$1" out || { fail "it should say: $1"; cat out; }; }

"$make_demo" --layout=recordings --records=120 --output_dir=data >/dev/null || fail "there should be a demo corpus"
for extension in xml dcm edf hea; do
  [ "$(find data -name "*.$extension" | wc -l)" = 30 ] || fail "a quarter of the records should be .$extension"
done
"$convert" data/aecg/00004.xml data/00004.csv >/dev/null && rm data/aecg/00004.xml || fail "one should become a table"

# A folder with a table is all that is needed.
succeeds --output_dir=run
says 'corpus    recordings synthetic, 120 records at 100 Hz'
says 'fold 9 is for validation, fold 10 for the test'
grep -q 'test macro ROC-AUC' out || { fail "it should be tested"; cat out; }
awk -F, 'NR > 1 && $3 == 10 { print $1 }' data/labels.csv | sort >expected
tail -n +2 run/predictions.csv | cut -d, -f1 | sort >found
cmp expected found || fail "the test records should be those of fold 10"

# What others write: semicolons, a byte order mark, CRLF, a column for each label; no folds, no patients. Signals are not
# packed again.
packed=$(find cache -name signals.npy)
before=$(stat -c %i "$packed")
cp data/labels.csv table
awk -F, 'BEGIN { printf "\xef\xbb\xbf" "id;Normal;age\r\n" } NR > 1 { printf "%s;%d;%s,5\r\n", $1, $6 ~ /NORM/, $4 }' table >data/labels.csv
succeeds --output_dir=columns
says 'patients  not stated: each record counts as a patient of its own'
says 'split at random by record: 80% train, 10% validate, 10% test, seed 1'
says 'task      1 classes'
[ "$(stat -c %i "$packed")" = "$before" ] || fail "signals should not be packed again when labels change"

# Mistakes are named.
sed -i 's/;1;/;yes;/' data/labels.csv
refuses 'column "Normal": "yes" is neither 0 nor 1' --output_dir=none
awk -F, '{ print $1 "," $2 "," $6 }' table | sed '3s/p[0-9]*/p1/; 4s/p[0-9]*/p1/; 5s/p[0-9]*/p1/' >data/labels.csv
succeeds --output_dir=patients
says 'split at random by patient'
awk -F, '{ p = NR > 1 ? "p" NR % 7 : $2; print $1 "," p "," $3 "," $6 }' table >data/labels.csv
refuses 'the network would be tested on patients that it was trained on' --output_dir=none

# Files that are damaged or absent are left out and listed, or refused.
cp table data/labels.csv
file=$(find data -name '00008.*' | head -n 1)
head -c 300 "$file" >short && mv short "$file"
rm data/*/00010.*
succeeds --output_dir=skipped
says 'left out  record 00008: '
says 'left out  record 00010: labels.csv:11: there is no file "00010"'
refuses 'record 00010: ' --set=data.bad_records=REFUSE --output_dir=none
[ ! -e none/run.json ] || fail "a refused run should leave nothing"

# A folder of others is an external validation.
mkdir other && cp data/wfdb/* other && { head -n 1 table; grep -E "^($(ls other | sed -n 's/\.hea$//p' | paste -sd'|')),"  table; } >other/labels.csv
"$binary" --mode=evaluate --output_dir=run --data_dir=other >out 2>err || { fail "other records should be tested"; cat out err; }
[ "$(wc -l <run/on-other/predictions.csv)" = "$(wc -l <other/labels.csv)" ] || fail "all of them should be tested"

[ $failures = 0 ] && echo "PASSED"
exit $failures
