#!/usr/bin/env bash
# Several workers finish one sweep: of three, one is killed, and one stands still for longer than its lease. The tables
# are those of a single worker.
#   workers_test.sh SWEEP SEARCHED_SWEEP
set -uo pipefail
sweep=$PWD/$1
searched=$PWD/$2
cd "$TEST_TMPDIR"
export XDG_CACHE_HOME=$TEST_TMPDIR/cache OMP_WAIT_POLICY=passive
unset ECG_PTBXL_DIR BUILD_WORKING_DIRECTORY
small=(--demo_records=60 --set=training.batch_size=16 --set=training.epochs=4 --set=runtime.threads=1)
for_search=(--demo_records=60 --set=training.epochs=4 --set=runtime.threads=1)

failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
succeeds() { "$@" >out 2>err || { fail "$* should succeed"; cat out err; }; }
# Waits until the command succeeds.
wait_until() {
  for _ in $(seq 1200); do
    "$@" && return
    sleep 0.05
  done
  fail "$* should come true"
}
# Whether the worker with the process id $2 has a claim on a run in the folder $1.
works() { grep -q "^process: $2\$" "$1"/claims/*=*/* 2>/dev/null; }
# ends STATUS PID: the worker ends with this exit status.
ends() {
  local status=0
  wait "$2" || status=$?
  [ $status = "$1" ] || { fail "worker $2 should exit with $1, not $status"; cat worker*; }
}
# same_tables A B: all of their results but times and paths are the same, byte for byte.
same_tables() {
  cmp "$1/results.md" "$2/results.md" || fail "results.md of $1 and $2 should be the same"
  cmp "$1/chosen.textproto" "$2/chosen.textproto" || fail "$1 and $2 should choose the same"
  cmp <(sed 's/,[^,]*$//' "$1/results.csv") <(sed 's/,[^,]*$//' "$2/results.csv") ||
    fail "results.csv of $1 and $2 should be the same"
  cmp <(sed "s|$PWD/$1|FOLDER|g" "$1/results.html") <(sed "s|$PWD/$2|FOLDER|g" "$2/results.html") ||
    fail "results.html of $1 and $2 should be the same"
}

succeeds "$sweep" "${small[@]}" --output_dir=alone
grep -q '^6 of 6 runs are finished' alone/results.md || fail "six runs should be finished"

pids=()
for i in 1 2 3; do
  "$sweep" "${small[@]}" --output_dir=shared --lease_seconds=4 >worker$i 2>&1 &
  pids+=($!)
done
# The third stands still while it works on a run, until another has taken that over; the second dies.
wait_until works shared ${pids[2]}
kill -STOP ${pids[2]}
run=$(dirname "$(grep -l "^process: ${pids[2]}\$" shared/claims/*=*/1)")
run=${run##*/}
wait_until works shared ${pids[1]}
kill -KILL ${pids[1]}
is_taken_over() { [ -e "shared/claims/$run/2" ] || [ -e "shared/$run/run.json" ]; }
wait_until is_taken_over
kill -CONT ${pids[2]}
ends 0 ${pids[0]}
ends 0 ${pids[2]}
wait ${pids[1]} 2>/dev/null
same_tables alone shared
grep -q ', by another worker (' worker3 || { fail "a worker should tell of what others finish"; cat worker3; }
grep -q "^$run: given up" worker3 || grep -q "^$run: validation" worker3 ||
  { fail "a worker should tell that it has lost a run"; cat worker3; }
[ -z "$(find shared -path '*/checkpoints/*.safetensors')" ] || fail "finished runs should keep no checkpoint tensors"
[ -z "$(ls -d shared/claims/*=* 2>/dev/null)" ] || fail "no claim on a finished run should be left"
[ -z "$(find shared -name '.new-*')" ] || fail "no temporary file should be left"

# What fails for one worker is not tried again and again.
cp -r alone broken
first='learning_rate=0.01,seed=1'
rm -r broken/learning_rate=0.001,seed=* "broken/$first/run.json" "broken/$first/log.txt"
echo nonsense >"broken/$first/checkpoints/state.textproto"
"$sweep" "${small[@]}" --output_dir=broken >worker1 2>&1 &
one=$!
"$sweep" "${small[@]}" --output_dir=broken >worker2 2>&1 &
ends 1 $!
ends 1 $one
grep -q "1 of 6 runs failed: $first;" worker1 && grep -q "1 of 6 runs failed: $first;" worker2 ||
  { fail "both workers should name the failed run"; cat worker1 worker2; }
tries=$(grep -c 'is not a training state' "broken/$first/log.txt")
[ "$tries" -ge 1 ] && [ "$tries" -le 2 ] || fail "a failed run should not be tried $tries times"
grep -q '^5 of 6 runs are finished' broken/results.md || fail "the other runs should be finished"

# A worker that does not wait ends when nothing is left to start.
"$sweep" "${small[@]}" --output_dir=waiting --jobs=6 --set=training.epochs=40 >worker1 2>&1 &
one=$!
all_are_claimed() { [ "$(ls -d waiting/claims/*=* 2>/dev/null | wc -l)" = 6 ]; }
wait_until all_are_claimed
succeeds "$sweep" "${small[@]}" --output_dir=waiting --set=training.epochs=40 --no_wait
grep -q "Nothing is left to start. Other workers: .* (process $one) " out ||
  { fail "it should name the other worker"; cat out; }
kill -TERM $one
ends 1 $one

# A search ends with the same table whether one worker does it, killed and started again, or three do.
"$searched" "${for_search[@]}" --output_dir=search_alone >worker1 2>&1 &
one=$!
wait_until works search_alone $one
wait_until [ -e search_alone/search/all/setting-3.textproto ]
kill -KILL $one
wait $one 2>/dev/null
succeeds "$searched" "${for_search[@]}" --output_dir=search_alone
cp out search_out
grep -q '^9 of 9 runs are finished\.$' search_alone/results.md ||
  { fail "six settings and three that go on"; cat search_alone/results.md; }
[ "$(grep -c '| chosen |' search_alone/results.md)" = 1 ] || fail "one setting should be chosen"
[ "$(grep -c '^| .* | 2 | ' search_alone/results.md)" = 3 ] || fail "three settings should have ended after two epochs"
[ "$(grep -vc ',,,' search_alone/results.csv)" = 2 ] || fail "only the chosen run's test score should be reported"
for folder in search_alone/*,epochs=2; do
  next=${folder%,epochs=2}
  [ -e "$next" ] || continue
  # It went on: its first epochs are those of the run before.
  cut -d, -f1-3 "$folder/history.csv" >before
  head -n 3 "$next/history.csv" | cut -d, -f1-3 | cmp before - || fail "$next should go on from $folder"
  [ "$(wc -l <"$next/history.csv")" = 5 ] || fail "$next should have four epochs"
done
pids=()
for i in 1 2 3; do
  "$searched" "${for_search[@]}" --output_dir=search_shared >worker$i 2>&1 &
  pids+=($!)
done
for pid in "${pids[@]}"; do ends 0 $pid; done
same_tables search_alone search_shared
[ -z "$(find search_shared -path '*/checkpoints/*.safetensors')" ] ||
  fail "a search that is over should keep no checkpoint tensors"
succeeds "$searched" "${for_search[@]}" --output_dir=search_shared --list
grep -q '^9 of 9 runs are finished' out || fail "--list should know the runs of a search"

[ $failures = 0 ] && echo "PASSED"
exit $failures
