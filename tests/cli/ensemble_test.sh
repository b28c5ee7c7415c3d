#!/usr/bin/env bash
# An ensemble of trained runs is read like a run by the other tools. What ONNX Runtime makes of its model.onnx is compared
# where Python has onnxruntime: $ECG_PYTHON may name a Python that has it.
#   ensemble_test.sh EXPERIMENT ENSEMBLE PREDICT RUNS COMPARE_RUNS REPORT CONVERT VALIDATE MAKE_DEMO ENSEMBLE_ONNX_PY
set -euo pipefail
experiment=$PWD/$1 ensemble=$PWD/$2 predict=$PWD/$3 runs=$PWD/$4 compare_runs=$PWD/$5 report=$PWD/$6 convert=$PWD/$7
validate=$PWD/$8 make_demo=$PWD/$9 compare_onnx=$PWD/${10}
python=${ECG_PYTHON:-python3}
cd "$TEST_TMPDIR"
export XDG_CACHE_HOME=$TEST_TMPDIR/cache
unset ECG_PTBXL_DIR BUILD_WORKING_DIRECTORY
fail() { echo "FAILED: $*" && exit 1; }

train() {  # FOLDER SETTING...
  local folder=$1
  shift
  "$experiment" --demo_records=150 --set=training.batch_size=16 --set=training.epochs=1 \
    --set=data.ptb_xl.sampling_frequency_hz=100 "${@/#/--set=}" --output_dir="$folder" >out 2>err ||
    { cat err; fail "$folder should train"; }
}
train one runtime.seed=1
train two runtime.seed=2
train other data.split=2
data=$(sed -nE 's/^corpus .* in (.*)$/\1/p' out)

"$ensemble" one two --output=both >out || { cat out; fail "an ensemble should be made"; }
grep -q '^test      macro ROC-AUC 0\.[0-9]* (bootstrap 0\.[0-9]* to ' out || { cat out; fail "the score should be told"; }
if grep -q 'there is no' out; then cat out; fail "nothing should be left out"; fi

# Test records, read from their files one by one, have the digits of its predictions.csv.
sed -n 's/^\([0-9]*\),.*/\1/p' both/predictions.csv | while read -r record; do
  printf '%s/records100/00000/%05d_lr\n' "$data" "$record"
done >files
[ -s files ] || fail "there should be test records"
"$predict" --model=both --format=csv --output=found.csv - <files 2>err || { cat err; fail "predict should read all"; }
awk -F, 'NR > 1 { line = ""; for (i = 3; i <= NF; i += 2) line = line "," $i; print line }' both/predictions.csv >expected
classes=$(awk -F, 'NR == 1 { print (NF - 1) / 2 }' both/predictions.csv)
awk -F, -v n="$classes" 'NR > 1 { line = ""; for (i = 2; i <= n + 1; ++i) line = line "," $i; print line }' found.csv >same
cmp expected same || fail "the probabilities should be those of predictions.csv, to the last digit"
first=$(head -n 1 files)
"$predict" --model=both --format=json "$first" >found.json
for word in '"calibrated"' '"threshold"' '"unlike_training"' 'ensemble of 2: resnet18_all'; do
  grep -q "$word" found.json || { cat found.json; fail "a reading should have $word"; }
done

# The other tools.
"$runs" . >out
[ "$(wc -l <out)" = 5 ] || { cat out; fail "three runs and an ensemble should be listed"; }
grep -q '^\./both .*macro ROC-AUC' out || { cat out; fail "the ensemble should be listed with its score"; }
"$compare_runs" both one >out || fail "an ensemble should be compared with a run"
rm both/report.html
"$report" both >out || fail "there should be a page"
grep -q '2 networks' both/report.html || fail "the page should be one on an ensemble"

# Members of other splits are not scored on records that another was trained on.
"$ensemble" one other --output=splits >out || fail "an ensemble of two splits should be made"
grep -q 'no test score: one and other do not have the same test records' out || { cat out; fail "it should say why there is no score"; }
[ ! -e splits/predictions.csv ] || fail "there should be no predictions"
"$predict" --model=splits "$first" >/dev/null 2>&1 || fail "an ensemble of two splits should predict"

# External validation: the mean of what the members say of another corpus.
"$make_demo" --layout=g12ec --records=60 --output_dir=georgia >out || fail "there should be records of another corpus"
train one_500 data.ptb_xl.sampling_frequency_hz=500
train two_500 data.ptb_xl.sampling_frequency_hz=500 runtime.seed=2
"$ensemble" one_500 two_500 --output=at_500 >out || fail "an ensemble at 500 Hz should be made"
for run in one_500 two_500 at_500; do
  "$validate" --model=$run --data_dir=georgia >out 2>err || { cat err; fail "$run should be tested on another corpus"; }
  grep -qF 'matched   164889003: AFIB here, 164889003 there' out || { cat out; fail "the matched statements should be told"; }
  grep -qE '^test macro ROC-AUC 0\.[0-9]{4} ' out || { cat out; fail "the score should be told"; }
done
"$experiment" --mode=evaluate --data_dir=georgia/. --output_dir=one_500 >out 2>err || { cat err; fail "a run should be tested"; }
paste -d, {one_500,two_500,at_500}/on-georgia/predictions.csv | awk -F, '
  NR == 1 { n = NF / 3; next }
  $1 != $(2 * n + 1) { exit 1 }
  { for (i = 3; i <= n; i += 2) { d = ($i + $(n + i)) / 2 - $(2 * n + i); if (d > 1e-6 || d < -1e-6) exit 1; ++compared } }
  END { exit compared < 60 }' || fail "the probabilities should be the mean of the members'"
"$report" at_500/on-georgia >out || fail "there should be a page of it"
for model in one both; do
  if "$validate" --model=$model --data_dir="$data" 2>err; then fail "$model should not be tested on its own records"; fi
  grep -q 'are those that the network was trained on' err || { cat err; fail "the error should say what is wrong"; }
done

# It is no run that could be trained or tested.
for mode in --resume --mode=evaluate; do
  if "$experiment" $mode --output_dir=both >out 2>err; then fail "$mode should be refused"; fi
  grep -q "holds an ensemble of several networks, and $mode needs a run of one" err || { cat err; fail "$mode should say why"; }
done
if "$experiment" --mode=evaluate --data_dir=georgia --output_dir=both >out 2>err; then fail "it should be refused"; fi
grep -q '//cli:validate tests an ensemble on another corpus' err || { cat err; fail "the error should say what does it"; }
if "$experiment" --initial_weights=both --demo_records=150 --output_dir=new >out 2>err; then fail "a training should refuse it"; fi
grep -q 'holds an ensemble' err || { cat err; fail "a training should say why"; }
if "$ensemble" one two --output=both 2>err; then fail "an ensemble should not be overwritten"; fi

# ONNX Runtime.
"$ensemble" one two --mean=logit --output=logits >out || fail "an ensemble by logits should be made"
if ! "$python" -c 'import numpy, onnxruntime' 2>/dev/null; then
  echo "SKIPPED: $python has no onnxruntime; ECG_PYTHON may name a Python that has it (python3 -m pip install onnxruntime)"
  exit 0
fi
"$convert" "$first" ecg.csv >/dev/null || fail "a record should become a table"
for name in both logits; do
  "$predict" --model=$name --format=csv --output=$name.csv ecg.csv 2>err || { cat err; fail "the table should be read"; }
  "$python" "$compare_onnx" $name/model.onnx ecg.csv $name.csv || fail "ONNX Runtime should compute what $name predicts"
done
echo passed
