#!/usr/bin/env bash
# Runs an experiment's binary as a person does, on a few synthetic records, and looks at what it prints and leaves.
#   run_test.sh BINARY CONVERT_WEIGHTS OTHER_WEIGHTS MAKE_DEMO
set -uo pipefail
binary=$PWD/$1
convert_weights=$PWD/$2
other_weights=$PWD/$3
make_demo=$PWD/$4
cd "$TEST_TMPDIR"
export XDG_CACHE_HOME=$TEST_TMPDIR/cache
unset ECG_PTBXL_DIR BUILD_WORKING_DIRECTORY
small=(--demo_records=200 --set=training.batch_size=16)

failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
# Runs the binary; what it prints goes to `out` and `err`.
run() { "$binary" "$@" >out 2>err; }
succeeds() { run "$@" || { fail "$* should succeed"; cat err; }; }
# refuses MESSAGE FLAG...: exit status 1 and an error that has MESSAGE in it.
refuses() {
  local message=$1 status=0
  shift
  run "$@" || status=$?
  [ $status = 1 ] || fail "$* should exit with 1, not $status"
  grep -q -- "$message" err || { fail "$* should say: $message"; cat err; }
}

# A run leaves a whole folder, and says its score last.
succeeds "${small[@]}" --set=training.epochs=4 --output_dir=whole
tail -n 1 out | grep -qE '^test macro ROC-AUC 0\.[0-9]{4} \(bootstrap mean 0\.[0-9]{4}, 5% 0\.[0-9]{4}, 95% 0\.[0-9]{4}; [0-9]+( of [0-9]+)? classes\)$' ||
  { fail "the last line should be the score"; cat out; }
for file in spec.textproto run.json history.csv predictions.csv validation_predictions.csv model.safetensors features.safetensors model.onnx report.html checkpoints/state.textproto; do
  [ -s "whole/$file" ] || fail "there should be a file $file"
done
for key in '"synthetic": true' '"best_epoch": ' '"macro_roc_auc": ' '"peak_memory_bytes": ' '"libtorch": ' '"resamples": 100'; do
  grep -qF "$key" whole/run.json || fail "run.json should have $key"
done
[ "$(wc -l <whole/history.csv)" = 5 ] || fail "history.csv should have a header and four rows"
find . -name '*.tmp*' | grep -q . && fail "no temporary file should be left"

# A run that was stopped ends as if it had not been.
succeeds "${small[@]}" --set=training.epochs=2 --output_dir=stopped
succeeds --resume --set=training.epochs=4 --output_dir=stopped
cmp whole/predictions.csv stopped/predictions.csv || fail "a run that went on should predict what a whole one does"
cmp whole/model.safetensors stopped/model.safetensors || fail "a run that went on should have the same weights"

# Its model can be tested again.
tail -n 1 out >before
succeeds --mode=evaluate --output_dir=stopped
tail -n 1 out | cmp - before || fail "the same model should have the same score"

# A network of several members is trained, tested and exported as one.
succeeds "${small[@]}" --set=model.ensemble_size=2 --set=training.prior_bias=true --set=training.epochs=1 --output_dir=deep
grep -q ' parameters of 2 members, on cpu$' out || { fail "the members should be counted"; cat out; }
[ -s deep/model.onnx ] || fail "an ensemble should be exported"
tail -n 1 out >before
succeeds --mode=evaluate --output_dir=deep
tail -n 1 out | cmp - before || fail "an ensemble should have the same score when it is tested again"

# A training starts from given weights, even when it is killed before its first checkpoint.
"$convert_weights" whole/model.safetensors initial.safetensors >out || fail "weights should be converted"
grep -qE '^[0-9]+ tensors, [0-9,]+ numbers, [0-9,]+ bytes, in initial.safetensors$' out || { fail "no count"; cat out; }
from=(--initial_weights=initial.safetensors --set=training.epochs=1)
succeeds "${small[@]}" "${from[@]}" --output_dir=warm
loss() { awk -F, -v column="$2" 'NR == 1 { for (i = 1; i <= NF; ++i) if ($i == column) c = i } NR == 2 { print $c }' "$1/history.csv"; }
awk -v warm="$(loss warm train_loss)" -v cold="$(loss whole train_loss)" 'BEGIN { exit !(warm > 0 && warm < 0.97 * cold) }' ||
  fail "the first epoch should have a lower loss when the network is trained already"
"$binary" "${small[@]}" "${from[@]}" --output_dir=killed >out 2>err &
process=$!
until [ -e killed/spec.textproto ] || ! kill -0 $process; do sleep 0.01; done
kill -9 $process
wait $process 2>/dev/null
succeeds --resume --output_dir=killed
cmp warm/model.safetensors killed/model.safetensors || fail "a killed run should go on from the weights it began with"
for run in warm killed; do
  grep -qF "\"sha256\": \"$(sha256sum initial.safetensors | cut -d' ' -f1)\"" $run/run.json ||
    fail "$run/run.json should say what the run started from"
done

# A network is tested on the statements that another corpus has as well, and the run stays as it is.
"$make_demo" --layout=g12ec --records=60 --output_dir=georgia >out || fail "there should be records of another corpus"
succeeds "${small[@]}" --set=data.ptb_xl.sampling_frequency_hz=500 --set=training.epochs=1 --output_dir=fine
cp fine/run.json before
succeeds --mode=evaluate --data_dir=georgia --output_dir=fine
grep -qF 'matched   164889003: AFIB here, 164889003 there' out || { fail "the matched statements should be told"; cat out; }
tail -n 1 out | grep -qE '^test macro ROC-AUC 0\.[0-9]{4} ' || { fail "the last line should be the score"; cat out; }
cmp fine/run.json before || fail "testing elsewhere should leave the run as it is"
grep -qF '"name": "'"$(basename "$binary")"'"' fine/on-georgia/run.json || fail "run.json should name the experiment"
grep -qF '"code": "164889003"' fine/on-georgia/run.json || fail "run.json should say what was matched"
head -n 1 fine/on-georgia/predictions.csv | grep -qF 'target_164889003,probability_164889003' ||
  fail "the predictions should be of the matched statements"
refuses '100' --mode=evaluate --data_dir=georgia --output_dir=whole
mkdir other
cp -r georgia other/georgia
succeeds --mode=evaluate --data_dir=georgia/ --output_dir=fine
refuses 'on-georgia holds the results on' --mode=evaluate --data_dir=other/georgia --output_dir=fine

# A folder of the same layout with other records is another corpus: all its records are tested, and the run stays as it
# is. The same records at another place are those of the run.
"$make_demo" --records=60 --seed=2 --output_dir=others >out || fail "there should be other records"
cp whole/run.json before
cp whole/predictions.csv before.csv
succeeds --mode=evaluate --data_dir=others --output_dir=whole
cmp whole/run.json before && cmp whole/predictions.csv before.csv || fail "external validation should leave the run as it is"
[ "$(wc -l <whole/on-others/predictions.csv)" = 61 ] || fail "all records of the other corpus should be tested"
cp -r cache/ecg/demo/ptbxl-200-* moved
tail -n 1 out >ignored
succeeds --mode=evaluate --output_dir=whole
tail -n 1 out >expected
succeeds --mode=evaluate --data_dir=moved --output_dir=whole
tail -n 1 out | cmp - expected || fail "the same records elsewhere should have the same score"
[ ! -e whole/on-moved ] || fail "the same records elsewhere are no other corpus"
cmp whole/predictions.csv before.csv || fail "the same records elsewhere should have the same predictions"
refuses 'those in .*others (60) are others' --resume --data_dir=others --output_dir=whole
grep -qF 'others' whole/spec.textproto && fail "a refused resumption should leave the spec as it is"
succeeds --resume --data_dir=moved --set=training.epochs=5 --output_dir=whole

# A test part that cannot be scored is announced before training, and everything else is written. Patients in two parts
# of the split are refused, unless that is allowed.
"$make_demo" --records=60 --output_dir=pilot >out
awk -F, 'BEGIN { OFS = "," } NR == 1 { for (i = 1; i <= NF; ++i) if ($i == "strat_fold") c = NF - i; print; next }
  { $(NF - c) = NR < 12 ? 9 : NR == 12 ? 10 : 1 + NR % 8; print }' pilot/ptbxl_database.csv >table && mv table pilot/ptbxl_database.csv
pilot=(--data_dir=pilot --set=training.epochs=2 --set=training.batch_size=16)
if ! run "${pilot[@]}" --output_dir=pilot_run; then
  grep -qE 'patient .* in the train part and record .* ALLOW_SHARED' err || { fail "shared patients should be named"; cat err; }
  pilot+=(--set=data.shared_patients=ALLOW_SHARED)
  succeeds "${pilot[@]}" --output_dir=pilot_run
  grep -qF '"shared_patients": ' pilot_run/run.json || fail "run.json should say how many patients are shared"
fi
grep -qF 'there will be no test score: none of' err || fail "that there will be no test score should be said"
tail -n 1 out | grep -qE '^test not scored: .*none of' || { fail "the last line should say so"; cat out; }
for file in run.json predictions.csv model.onnx model.safetensors; do
  [ -s "pilot_run/$file" ] || fail "a run without test score should leave $file"
done

# What is asked for and cannot be is refused, and nothing is left behind.
refuses 'already holds a run' "${small[@]}" --output_dir=whole
refuses 'there is no run in' --resume --output_dir=nowhere
refuses 'not be the same experiment' --resume --set=training.batch_size=32 --output_dir=whole
refuses 'no PTB-XL in' --data_dir=nowhere --output_dir=new
refuses 'learning_rat' "${small[@]}" --set=training.optimizer.learning_rat=1 --output_dir=new
refuses 'exclude each other' --data_dir=. --demo_records=200 --output_dir=new
refuses 'cannot use cuda:99' "${small[@]}" --set=runtime.fall_back_to_cpu=false --device=cuda:99 --output_dir=new
refuses 'not expected' --no_such_flag
refuses 'missing: backbone' "${small[@]}" --initial_weights="$other_weights" --output_dir=new
refuses 'cannot read nowhere' "${small[@]}" --initial_weights=nowhere --output_dir=new
refuses 'is for a new training' --resume --initial_weights=initial.safetensors --output_dir=whole
refuses 'another number of classes; of another shape: prediction_heads.fc2.bias' "${small[@]}" --set=data.ptb_xl.task=RHYTHM \
  --initial_weights=initial.safetensors --output_dir=new
touch file
refuses 'is a file, not a folder' "${small[@]}" --output_dir=file
refuses 'is a file, not a folder' "${small[@]}" --output_dir=file/folder
refuses 'fewer than one batch' "${small[@]}" --set=training.batch_size=5000 --output_dir=new
refuses 'fewer than one step' "${small[@]}" --set=training.accumulate_batches=500 --output_dir=new
for path in new nowhere; do [ ! -e $path ] || fail "$path should not be there"; done

refuses 'leave out --mode=evaluate' --describe --mode=evaluate --output_dir=whole

# Trainings that begin in the same second have folders of their own, and one that cannot begin leaves none.
for seed in 1 2 3; do
  "$binary" "${small[@]}" --set=training.epochs=1 --set=runtime.seed=$seed >out$seed 2>err$seed &
done
wait
[ "$(find runs -name run.json | wc -l)" = 3 ] || { fail "there should be three runs"; find runs; cat err[123]; }
[ "$(cat runs/*/*/run.json | grep -c '"seed": "[123]"')" = 3 ] || fail "each of them should have its seed"
refuses 'fewer than one batch' "${small[@]}" --set=training.batch_size=5000
[ "$(find runs -mindepth 2 -maxdepth 2 | wc -l)" = 3 ] || fail "a training that cannot begin should leave no folder"
# The latest run is not a folder without a run.
mkdir "$(find runs -mindepth 1 -maxdepth 1)/99990101-000000"
succeeds --mode=evaluate

# A file that broke is noticed.
cp -r whole broken
head -c 1000 whole/model.safetensors >broken/model.safetensors
refuses 'broken/model.safetensors' --mode=evaluate --output_dir=broken
cp "$(find cache -name '*_lr.dat' | head -n 1)" keep
truncated=$(find cache -name '*_lr.dat' | head -n 1)
head -c 1000 keep >"$truncated"
refuses 'record' "${small[@]}" --output_dir=new
[ ! -e new ] || fail "a run that could not begin should leave no folder"

[ $failures = 0 ] && echo "PASSED"
exit $failures
