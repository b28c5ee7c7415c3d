#!/usr/bin/env bash
# Runs the experiment of own parts on a few made records, and looks at what each part leaves.
#   own_parts_test.sh BINARY
set -uo pipefail
binary=$PWD/$1
cd "$TEST_TMPDIR"
export XDG_CACHE_HOME=$TEST_TMPDIR/cache
unset BUILD_WORKING_DIRECTORY
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

# 60 records of 4 s at 100 Hz: a sine of 1 or of 3 Hz, SLOW or FAST, of which a third is FAST.
mkdir data
echo "record,fold,labels" >data/labels.csv
for i in $(seq 60); do
  label=SLOW hz=1
  [ $((i % 3)) = 0 ] && label=FAST hz=3
  echo "r$i,$((i % 5 + 1)),$label" >>data/labels.csv
  awk -v hz=$hz -v seed="$i" 'BEGIN {
    print "I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6"
    for (t = 0; t < 400; ++t) {
      line = ""
      for (lead = 1; lead <= 12; ++lead) line = line (lead > 1 ? "," : "") sprintf("%.4f", sin(6.2831853 * hz * t / 100 + seed) * lead / 12)
      print line
    }
  }' >"data/r$i.csv"
done

"$binary" --data_dir=data --output_dir=run --device=cpu >out 2>err || { fail "it should run"; cat err; }
tail -n 1 out | grep -qE '^test macro ROC-AUC [01]\.[0-9]{4} ' || { fail "the last line should be the score"; cat out; }
grep -qF 'corpus    csv unknown, 60 records at 100 Hz' out || fail "the corpus should be named"
head -n 1 run/history.csv | grep -qF ',validation_brier_score' || fail "history.csv should have the metric"
[ "$(cut -d, -f10 run/history.csv | sort -u | grep -c '^0.0003$\|^3e-05$')" = 2 ] || { fail "the learning rate should fall"; cat run/history.csv; }
grep -qF '"brier_score"' run/run.json || fail "run.json should have the metric"
[ "$(wc -l <run/gradient_norm.csv)" = $((1 + 4 * 4)) ] || fail "gradient_norm.csv should have a row a step"
[ "$(wc -l <run/hardest_records.csv)" = 13 ] || fail "hardest_records.csv should have a row a test record"
[ -s run/model.onnx ] || { fail "there should be a model.onnx"; cat err; }

# A copy of the records is the same corpus, and other records are external validation.
cp -r data copy
cp run/predictions.csv before
"$binary" --mode=evaluate --data_dir=copy --output_dir=run >out 2>err || { fail "a copy should do"; cat err; }
cmp run/predictions.csv before || fail "a copy should have the same predictions"
mkdir fewer
sed -n '1,31p' data/labels.csv >fewer/labels.csv
cp data/r?.csv data/r1?.csv data/r2?.csv data/r30.csv fewer
"$binary" --mode=evaluate --data_dir=fewer --output_dir=run >out 2>err || { fail "other records should be tested"; cat err; }
[ "$(wc -l <run/on-fewer/predictions.csv)" = 31 ] || fail "all other records should be tested"

# It reads recordings from their files, and says of a test record what it said in the test. The probability of a loss of its
# own is computed in single precision from the same samples.
record=$(sed -n '2s/,.*//p' run/predictions.csv)
"$binary" --mode=predict --output_dir=run --rate=100 --unit=mV --format=csv "data/$record.csv" missing.xml >out 2>err &&
  fail "a file that is missing should be told"
grep -qF '1 of 2 recordings were read' err || { fail "the files that were read should be counted"; cat err; }
awk -F, 'NR == FNR { if (FNR == 2) { a = $3; b = $5 } next }
         FNR == 2 { exit !(($2 - a) ^ 2 < 1e-8 && ($3 - b) ^ 2 < 1e-8) }' run/predictions.csv out ||
  { fail "the prediction should be that of the test"; cat out; head -n 2 run/predictions.csv; }
"$binary" --output_dir=new "data/$record.csv" >out 2>err && fail "a recording without --mode=predict should be refused"
grep -qF -- '--mode=predict' err || { fail "the refusal should name the mode"; cat err; }

# Built-in parts can be chosen in their place without a build, and other own ones are refused by name.
"$binary" --data_dir=data --output_dir=adam --set=training.optimizer.adam={} --set=training.epochs=1 >out 2>err ||
  { fail "Adam should do as well"; cat err; }
"$binary" --data_dir=data --output_dir=none --set='training.optimizer.own={type: "my::Other", header: "x"}' >out 2>err &&
  fail "a part that is not compiled in should be refused"
grep -qF 'cannot become' err || { fail "the refusal should say that it is compiled in"; cat err; }
"$binary" --data_dir=data --output_dir=none --set='training.callback=[{own {type: "my::Other", header: "x"}}]' >out 2>err &&
  fail "a callback that is not compiled in should be refused"
grep -qF 'my::Other' err || { fail "the refusal should name it"; cat err; }
[ ! -e none/run.json ] || fail "a refused run should leave nothing"

[ $failures = 0 ] && echo "PASSED"
exit $failures
