#!/usr/bin/env bash
# Runs an experiment's binary in several processes: by itself, by the variables that launchers set, with one that dies.
#   together_test.sh BINARY
set -uo pipefail
binary=$PWD/$1
cd "$TEST_TMPDIR"
export XDG_CACHE_HOME=$TEST_TMPDIR/cache
unset ECG_PTBXL_DIR BUILD_WORKING_DIRECTORY
for name in ${!OMPI_@} ${!SLURM_@} ${!TORCHELASTIC_@} RANK WORLD_SIZE; do unset "$name"; done
small=(--demo_records=200 --set=training.batch_size=16 --set=training.epochs=2
  --set=training.data_parallel.synchronised_batch_norm=true)

failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
# Column COLUMN of a run's history, such as train_loss.
column() {
  awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; ++i) if ($i == name) c = i; next } { print $c }' "$1/history.csv"
}
# near A B TOLERANCE: whether two lists of numbers differ by at most so much, relatively.
near() {
  paste <(echo "$1") <(echo "$2") | awk -v t="$3" \
    'NF != 2 { bad = 1 } { d = $1 - $2; if (d < 0) d = -d; if (d > t * $2) bad = 1 } END { exit bad || NR == 0 }'
}

# Two processes do what one does, and only that of rank 0 prints and writes.
"$binary" "${small[@]}" --output_dir=one >one_out 2>one_err || { fail "one process"; cat one_err; }
"$binary" "${small[@]}" --output_dir=two --processes=2 >two_out 2>two_err || { fail "two processes"; cat two_err; }
near "$(column two train_loss)" "$(column one train_loss)" 0.01 ||
  fail "losses differ: $(column two train_loss) and $(column one train_loss)"
[ "$(grep -c '^test macro' two_out)" = 1 ] || { fail "the result should be printed once"; cat two_out; }
grep -q '^network   2 processes, through lo (127.0.0.1)$' two_out || { fail "it should say who talks"; cat two_out; }
grep -q '"processes": 2' two/run.json || fail "run.json should count the processes"
grep -q '"processes"' one/run.json && fail "run.json should not count one process"
[ "$(ls one)" = "$(ls two)" ] || fail "the folders should hold the same files: $(ls one) and $(ls two)"

# The same test figures by one process and by three.
"$binary" --mode=evaluate --output_dir=two --processes=3 >again_out 2>again_err || { fail "evaluating"; cat again_err; }
cp two/predictions.csv by_three.csv
"$binary" --mode=evaluate --output_dir=two >again_out 2>again_err || { fail "evaluating alone"; cat again_err; }
cmp by_three.csv two/predictions.csv || fail "predictions should not depend on the number of processes"

# The variables of a launcher.
port=$((20000 + RANDOM % 20000))
for rank in 0 1; do
  RANK=$rank WORLD_SIZE=2 LOCAL_RANK=$rank LOCAL_WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port \
    "$binary" "${small[@]}" --output_dir=launched >launched_out$rank 2>launched_err$rank &
done
wait -n || fail "a launched process"
wait -n || { fail "a launched process"; cat launched_err*; }
[ "$(column launched train_loss)" = "$(column two train_loss)" ] || fail "launched processes should train the same"
[ -s launched_out1 ] && fail "rank 1 should print nothing"

# A process that is killed: the other stops and names it, the checkpoint stands, and another number of processes goes on.
"$binary" "${small[@]}" --set=training.epochs=400 --output_dir=killed --processes=2 >killed_out 2>killed_err &
launcher=$!
until [ -e killed/checkpoints/state.textproto ] || ! kill -0 $launcher 2>/dev/null; do sleep 0.1; done
victim=$(grep -lz '^RANK=1$' /proc/[0-9]*/environ 2>/dev/null | while IFS=/ read -r _ _ id _; do
  [ "$(awk '/^PPid:/ { print $2 }' "/proc/$id/status")" = $launcher ] && echo "$id"
done)
kill -KILL "$victim"
SECONDS=0
wait $launcher && fail "a run that lost a process should fail"
[ $SECONDS -lt 30 ] || fail "the others should stop within half a minute, not $SECONDS s"
grep -q 'rank 1 on .* has ended' killed_err || { fail "the lost rank should be named"; cat killed_err; }
epochs=$(($(wc -l <killed/history.csv) - 1))
"$binary" --resume_or_begin --output_dir=killed --set=training.epochs=$((epochs + 1)) --processes=3 >resumed_out \
  2>resumed_err || { fail "going on with three processes"; cat resumed_err; }
[ "$(wc -l <killed/history.csv)" = $((epochs + 2)) ] || fail "it should go on after the last checkpoint"

# What does not work in several processes is refused, once for each.
"$binary" --describe --demo_records=200 --processes=2 >refused_out 2>refused_err && fail "--describe should be refused"
grep -q 'start one alone for anything else' refused_err || { fail "why --describe is refused"; cat refused_err; }
"$binary" "${small[@]}" --set=training.batch_size=2 --processes=3 --output_dir=refused >refused_out 2>refused_err &&
  fail "a batch of 2 for 3 processes should be refused"
grep -q 'training.batch_size is 2, which 3 processes cannot share' refused_err || { fail "why"; cat refused_err; }
WORLD_SIZE=2 "$binary" "${small[@]}" --output_dir=refused >refused_out 2>refused_err && fail "no rank"
grep -q 'but not \$RANK' refused_err || { fail "the missing variable should be named"; cat refused_err; }

[ $failures = 0 ] || exit 1
echo "all passed"
