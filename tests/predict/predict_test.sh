#!/usr/bin/env bash
# A trained model says the same of its test records, read from their files one by one, as the run's predictions.csv.
#   predict_test.sh EXPERIMENT PREDICT
set -euo pipefail
experiment=$PWD/$1 predict=$PWD/$2
cd "$TEST_TMPDIR"
export XDG_CACHE_HOME=$TEST_TMPDIR/cache
unset ECG_PTBXL_DIR BUILD_WORKING_DIRECTORY
fail() { echo "FAILED: $*" && exit 1; }

"$experiment" --demo_records=200 --set=training.batch_size=16 --set=training.epochs=1 --output_dir=run >out
data=$(sed -nE 's/^corpus .* in (.*)$/\1/p' out)
# agrees RUN: the probabilities that are predicted of the test records' files are those of the run, to the last digit.
agrees() {
  "$predict" --model="$1" --format=csv --output=found.csv - <files 2>err || { cat err found.csv; fail "predict should read all"; }
  # The columns of the targets are left out of the one, and those of what is reported of the other.
  awk -F, 'NR > 1 { line = ""; for (i = 3; i <= NF; i += 2) line = line "," $i; print line }' "$1/predictions.csv" >expected
  classes=$(awk -F, 'NR == 1 { print (NF - 1) / 2 }' "$1/predictions.csv")
  awk -F, -v n="$classes" 'NR > 1 { line = ""; for (i = 2; i <= n + 1; ++i) line = line "," $i; print line }' found.csv >same
  [ -s same ] || fail "there should be predictions"
  cmp expected same || fail "the probabilities should be those of $1/predictions.csv, to the last digit"
}
# A file that cannot be written is an error, and what was there before stays when nothing can be predicted.
if "$predict" --model=run --output=/dev/full "$data"/records500/00000/00001_hr 2>err; then fail "/dev/full has no space"; fi
grep -q 'cannot write /dev/full' err || { cat err; fail "it should say what it cannot write"; }
test_records=$(sed -n 's/^\([0-9]*\),.*/\1/p' run/predictions.csv)
for record in $test_records; do
  printf '%s/records500/00000/%05d_hr\n' "$data" "$record"
done >files
# So too where signals are resampled, filtered and scaled before.
"$experiment" --demo_records=100 --set=training.batch_size=16 --set=training.epochs=1 --output_dir=preprocessed \
  --set='data.preprocessing={sampling_frequency_hz: 240 band_pass {} notch {} amplitudes: STANDARDISED_BY_LEAD}' >out
grep -q '^note .*resampled to 240 Hz' out || { cat out; fail "it should say how signals are preprocessed"; }
data_100=$(sed -nE 's/^corpus .* in (.*)$/\1/p' out)
cp files files_200
sed -n 's/^\([0-9]*\),.*/\1/p' preprocessed/predictions.csv | while read -r record; do
  printf '%s/records500/00000/%05d_hr\n' "$data_100" "$record"
done >files
agrees preprocessed
cp files_200 files

# A network that reads age and sex has them from the corpus in its test, and from flags where a file does not state them.
"$experiment" --demo_records=100 --set=training.batch_size=16 --set=training.epochs=1 --output_dir=demographics \
  --set='model.demographics={}' >out
grep -q '^known .*age of 100%, sex of 100%, height of 0% and weight of 0%' out || { cat out; fail "it should say what is known"; }
record=$(sed -n '2s/,.*//p' demographics/predictions.csv)
row=$(sed -n "s/^$record,//p" "$data_100/ptbxl_database.csv")
age=$(cut -d, -f2 <<<"$row") sex=$(cut -d, -f3 <<<"$row")
sex=$([ "$sex" = 0 ] && echo male || echo female)
printf -v file '%s/records500/00000/%05d_hr' "$data_100" "$record"
"$predict" --model=demographics --format=csv --age="$age" --sex="$sex" "$file" >found.csv
probabilities() { awk -F, -v n="$classes" 'NR == 2 { line = ""; for (i = 2; i <= n + 1; ++i) line = line "," $i; print line }' found.csv; }
classes=$(awk -F, 'NR == 1 { print (NF - 1) / 2 }' demographics/predictions.csv)
awk -F, 'NR == 2 { line = ""; for (i = 3; i <= NF; i += 2) line = line "," $i; print line }' demographics/predictions.csv >expected
probabilities | cmp expected - || fail "with age and sex the probabilities should be those of the run"
"$predict" --model=demographics --format=csv "$file" >found.csv
probabilities | cmp -s expected - && fail "without age and sex the probabilities should be others"
"$predict" --model=demographics "$file" | grep -q 'does not state the age and the sex' || fail "what is missing should be told"

agrees run

# Thresholds and temperatures are those that were chosen on validation.
first=$(head -n 1 files)
"$predict" --model=run --format=json "$first" >found.json
grep -q '"calibrated"' found.json || fail "there should be calibrated probabilities"
"$predict" --model=run "$first" >table
grep -q 'Not a medical device' table || fail "the table should say that it is no medical device"
grep -q 'synthetic' table || fail "the table should say that the model is synthetic"

# How unlike the training records a recording is: noise is more so than any validation record.
[ -s run/features.safetensors ] || fail "there should be features"
grep -q '"unlike_training"' found.json || fail "the reading should say how unlike the training records it is"
grep -q 'more unlike the training records than' table || { cat table; fail "the table should say how unlike it is"; }
awk 'BEGIN { srand(1); print "I,II,V1,V2,V3,V4,V5,V6"
  for (i = 0; i < 5000; ++i) { line = ""; for (k = 0; k < 8; ++k) line = line (k ? "," : "") rand() * 4 - 2; print line } }' >noise.csv
"$predict" --model=run --unit=mV --rate=500 noise.csv >table
grep -q 'warning: the recording is more unlike the training records than all [0-9]* validation records' table ||
  { cat table; fail "there should be a warning of noise"; }
# Half of the test records are farther than the median of the validation records, more or less.
awk -F, 'NR > 1 { n += 1; far += $NF > 0.5 } END { exit !(far > 0.2 * n && far < 0.8 * n) }' found.csv ||
  fail "test records should be as unlike the training records as validation records are"

# A run of an older version, without them, says the rest.
mv run/features.safetensors .
"$predict" --model=run --format=json "$first" >old.json
mv features.safetensors run
if grep -q unlike old.json; then fail "a run without features should not tell"; fi
diff <(grep -o '"statements.*' found.json) <(grep -o '"statements.*' old.json) || fail "the statements should be the same"

# A bad file is listed, and the rest goes on.
echo "no recording" >bad.xml
status=0
"$predict" --model=run --format=jsonl "$first" bad.xml missing.xml "$first" >found.jsonl 2>err || status=$?
[ $status = 1 ] || fail "the exit status should be 1, not $status"
[ "$(wc -l <found.jsonl)" = 4 ] || { cat found.jsonl; fail "there should be four lines"; }
sed -n 2p found.jsonl | grep -q '"error"' || fail "the second should have an error"
sed -n 4p found.jsonl | grep -q '"statements"' || fail "the fourth should be read"
grep -q '2 of 4 recordings were read' err || { cat err; fail "the count should be told"; }

# A file behind the flags of tables is a file, not one more lead.
printf '0.1;0.2\n0.3;0.4\n' >table.csv
"$predict" --model=run --format=jsonl --unit=mV --rate=500 --leads=I,II table.csv >found.jsonl 2>err || true
grep -q 'V1' found.jsonl || { cat found.jsonl err; fail "the leads that are missing should be named"; }

# A folder is all recordings in it.
mkdir folder && cp "$first".hea "$first".dat folder && cp bad.xml folder/z.xml
"$predict" --model=run --format=csv --plots=plots folder >found.csv 2>err || true
[ "$(wc -l <found.csv)" = 3 ] || { cat found.csv; fail "the folder has two recordings"; }
[ "$(find plots -name '*.pdf' | wc -l)" = 1 ] || fail "there should be one drawing"

# A folder is watched: files that come slowly, are renamed in, cannot be read, or are rewritten.
wait_for() {  # FILE PATTERN: until the file has the pattern
  for _ in $(seq 300); do grep -qs "$2" "$1" && return; sleep 0.2; done
  cat watched watch_err
  fail "$1 should say $2"
}
mkdir -p inbox/day
"$predict" --model=run --watch=inbox >watched 2>watch_err &
watcher=$!
name=$(basename "$first")
cp "$first.hea" inbox && head -c 20000 "$first.dat" >inbox/"$name.dat"
sleep 1
tail -c +20001 "$first.dat" >>inbox/"$name.dat"
echo "no recording" >inbox/bad.xml
cp "$first.hea" inbox/.coming && sed "s/$name/other/" inbox/.coming >inbox/day/other.part && rm inbox/.coming
cp "$first.dat" inbox/day/other.dat && mv inbox/day/other.part inbox/day/other.hea
wait_for inbox/"$name.hea.ecg.json" '"statements"'
wait_for inbox/bad.xml.ecg.json '"error"'
wait_for inbox/day/other.hea.ecg.json '"statements"'
cp "$first.hea" inbox/again.hea && sed -i "s/$name/again/" inbox/again.hea
wait_for inbox/again.hea.ecg.json '"error"'  # its samples are not there
cp "$first.dat" inbox/again.dat
wait_for inbox/again.hea.ecg.json '"statements"'
kill -INT $watcher
wait $watcher || { cat watch_err; fail "it should end well"; }
[ "$(grep -c "$name.hea " watched)" = 1 ] || { cat watched; fail "a file that comes slowly should be predicted once"; }
[ "$(find inbox -name '*.ecg.json' | wc -l)" = 4 ] || { find inbox; fail "there should be four results"; }
grep -q '3 of 5 recordings were read' watch_err || { cat watch_err; fail "the count should be told"; }

# A later process does not predict them again.
touch -d '1 minute ago' start && find inbox -name '*.ecg.json' -exec touch -d '2 minutes ago' {} +
"$predict" --model=run --watch=inbox >watched 2>watch_err &
watcher=$!
wait_for watch_err 'watching inbox'
sleep 6
# A folder that goes away is reported each time, once.
for outage in 1 2; do
  mv inbox away
  sleep 2
  mv away inbox
  sleep 2
  [ "$(grep -c 'trying again' watch_err)" = $outage ] || { cat watch_err; fail "outage $outage should be reported once"; }
done
kill -TERM $watcher && wait $watcher || fail "it should end well"
[ -z "$(find inbox -name '*.ecg.json' -newer start)" ] || { cat watched; fail "nothing should be predicted again"; }
echo passed
