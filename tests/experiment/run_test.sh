#!/usr/bin/env bash
# Runs an experiment's binary as a person does, on a few synthetic records, and looks at what it prints and leaves.
#   run_test.sh BINARY
set -uo pipefail
binary=$PWD/$1
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
for file in spec.textproto run.json history.csv predictions.csv model.safetensors checkpoints/state.textproto; do
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

# What is asked for and cannot be is refused, and nothing is left behind.
refuses 'already holds a run' "${small[@]}" --output_dir=whole
refuses 'there is no run in' --resume --output_dir=nowhere
refuses 'not be the same experiment' --resume --set=training.batch_size=32 --output_dir=whole
refuses 'no PTB-XL in' --data_dir=nowhere --output_dir=new
refuses 'learning_rat' "${small[@]}" --set=training.optimizer.learning_rat=1 --output_dir=new
refuses 'exclude each other' --data_dir=. --demo_records=200 --output_dir=new
refuses 'cannot use cuda:99' "${small[@]}" --set=runtime.fall_back_to_cpu=false --device=cuda:99 --output_dir=new
refuses 'not expected' --no_such_flag
touch file
refuses 'is a file, not a folder' "${small[@]}" --output_dir=file
refuses 'is a file, not a folder' "${small[@]}" --output_dir=file/folder
for path in new nowhere; do [ ! -e $path ] || fail "$path should not be there"; done

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
