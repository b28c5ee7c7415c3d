#!/usr/bin/env bash
# Runs a sweep of two runs on a few synthetic records: whole, stopped, killed, resumed, with a run that fails.
#   sweep_test.sh SWEEP COMPARE_RUNS EXPERIMENT
set -uo pipefail
sweep=$PWD/$1
compare_runs=$PWD/$2
experiment=$PWD/$3
cd "$TEST_TMPDIR"
export XDG_CACHE_HOME=$TEST_TMPDIR/cache OMP_WAIT_POLICY=passive
unset ECG_PTBXL_DIR BUILD_WORKING_DIRECTORY
small=(--demo_records=60 --set=training.batch_size=16 --set=training.epochs=4)
first='learning_rate=0.01' second='learning_rate=0.001'

failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
# Runs a program; what it prints goes to `out` and `err`.
succeeds() { "$@" >out 2>err || { fail "$* should succeed"; cat out err; }; }
# refuses MESSAGE COMMAND...: exit status 1 and an error that has MESSAGE in it.
refuses() {
  local message=$1 status=0
  shift
  "$@" >out 2>err || status=$?
  [ $status = 1 ] || fail "$* should exit with 1, not $status"
  grep -q -- "$message" err || { fail "$* should say: $message"; cat err; }
}
# Waits until a file is there.
wait_for() {
  for _ in $(seq 600); do
    [ -e "$1" ] && return
    sleep 0.05
  done
  fail "there should be a file $1"
}
# All of results.csv but the times.
figures() { sed 's/,[^,]*$//' "$1/results.csv"; }

# A sweep lists unfinished runs, runs them, chooses, and writes a table.
succeeds "$sweep" "${small[@]}" --output_dir=whole --list
grep -q '^not started *learning_rate=0.01$' out && [ ! -e whole ] || fail "--list should list unfinished runs, and make nothing"
succeeds "$sweep" "${small[@]}" --output_dir=whole
[ -z "$(find whole -path '*/checkpoints/*.safetensors')" ] || fail "a finished run should keep no checkpoint tensors"
succeeds "$experiment" --mode=evaluate --output_dir="whole/$first"
[ "$(figures whole | wc -l)" = 3 ] || fail "results.csv should have a header and two rows"
[ "$(figures whole | grep -c ',,,')" = 1 ] || fail "only the chosen run's test score should be reported"
grep -q '| chosen |' whole/results.md && grep -q 'synthetic' whole/results.md || fail "results.md should name the chosen run"
succeeds "$sweep" "${small[@]}" --output_dir=whole --list
grep -q '^2 of 2 runs are finished' out || fail "--list should see that all is done"

succeeds "$sweep" "${small[@]}" --output_dir=whole --list --only=learning_rate=0.001
grep -q '^1 of 1 runs are finished' out || fail "--only should leave one run"
refuses 'the values of learning_rate are 0.001, 0.01' "$sweep" --list --only=learning_rate=0.1

# What was chosen is used by its file.
rate=$(grep -o 'learning_rate: .*' whole/chosen.textproto)
succeeds "$experiment" --settings=whole/chosen.textproto --demo_records=60 --describe
grep -q "$rate" out || fail "--settings should set $rate"
echo 'training { epoch: 1 }' >wrong.textproto
refuses 'wrong.textproto:1:12: training has no field "epoch"' "$sweep" "${small[@]}" --settings=wrong.textproto --output_dir=new

# A sweep that is stopped or killed, and resumed, ends with the same results. One that is stopped gives its claims back at
# once, also where the lease is long.
"$sweep" "${small[@]}" --output_dir=stopped --lease_seconds=1000 >out 2>err &
pid=$!
wait_for "stopped/$second/history.csv"
"$sweep" "${small[@]}" --output_dir=stopped --list | grep -q "^started *$second .* claimed by $(uname -n) (process $pid)" ||
  fail "--list should name the worker"
kill -TERM $pid
wait $pid && fail "a sweep that was stopped should not succeed"
"$sweep" "${small[@]}" --output_dir=stopped --list | grep -q "^started *$second  [1-4] of 4 epochs" || fail "a run should be started"
"$sweep" "${small[@]}" --output_dir=stopped --list | grep -q 'claimed by' && fail "claims should have been given back"
"$sweep" "${small[@]}" --output_dir=stopped >out 2>err &
pid=$!
sleep 1
kill -KILL $pid
wait $pid 2>/dev/null
sleep 1
pgrep -f "output_dir=$PWD/stopped/" >/dev/null && fail "a run should end with its sweep"
succeeds "$sweep" "${small[@]}" --output_dir=stopped
diff whole/results.md stopped/results.md || fail "a resumed sweep should have the same table"
diff <(figures whole) <(figures stopped) || fail "a resumed sweep should have the same figures"
cmp whole/chosen.textproto stopped/chosen.textproto || fail "a resumed sweep should choose the same"
cp "stopped/$second/log.txt" log
succeeds "$sweep" "${small[@]}" --output_dir=stopped
cmp log "stopped/$second/log.txt" || fail "what is finished should not be run again"

# A run that fails is reported and does not stop the others.
cp -r whole broken
rm -r "broken/$second" "broken/$first/run.json"
echo nonsense >"broken/$first/checkpoints/state.textproto"
refuses "1 of 2 runs failed: $first;" "$sweep" "${small[@]}" --output_dir=broken
grep -q 'is not a training state' out || { fail "the end of the log should be shown"; cat out; }
[ -e "broken/$second/run.json" ] || fail "the other run should have been run"
grep -q '^1 of 2 runs are finished' broken/results.md || fail "the results should say that a run is missing"

# So is one that is finished, but whose test could not be scored.
cp -r whole unscored
sed -i '1s/{/{ "test_not_scored": "no class can be scored",/' "unscored/$first/run.json"
rm -r "unscored/$second"
refuses "1 of 2 runs failed: $first;" "$sweep" "${small[@]}" --output_dir=unscored
grep -q "$first: cannot be used, its test has no score: no class can be scored" out || { fail "the reason should be told"; cat out; }
[ -e "unscored/$second/run.json" ] || fail "the other run should have been run"

# Two runs at a time share the packed signals.
XDG_CACHE_HOME=$TEST_TMPDIR/other_cache succeeds "$sweep" "${small[@]}" --set=training.epochs=1 --jobs=2 --output_dir=together
[ "$(find other_cache -name signals.npy | wc -l)" = 1 ] || fail "signals should be packed once"

# What does not belong together is refused.
refuses 'holds runs with --demo_records=60' "$sweep" "${small[@]:1}" --demo_records=70 --output_dir=whole
refuses 'holds a run with other settings' "$sweep" "${small[@]}" --set=training.epochs=5 --output_dir=whole
refuses 'would be the same' "$sweep" "${small[@]}" --set=training.optimizer.learning_rate=1 --output_dir=new
refuses 'training has no field "epoch"' "$sweep" "${small[@]}" --set=training.epoch=1 --output_dir=new
refuses 'exclude each other' "$sweep" "${small[@]}" --data_dir=. --output_dir=new
[ ! -e new ] || fail "what is refused should leave no folder"

# Runs are compared on the records that they share.
succeeds "$compare_runs" "whole/$first" "whole/$second" "whole/$first"
grep -q 'macro ROC-AUC .*minus the first' out || fail "compare_runs should head its table"
tail -n 1 out | grep -qE ' \+0\.0000 .*[0-9]+ records, [0-9]+ scored classes; not significantly different$' || { fail "a run should equal itself"; cat out; }
refuses 'cannot read' "$compare_runs" "whole/$first" nowhere

[ $failures = 0 ] && echo "PASSED"
exit $failures
