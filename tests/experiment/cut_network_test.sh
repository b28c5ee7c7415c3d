#!/usr/bin/env bash
# Two processes on two hosts with a cable between them, which is cut while they train.
#   cut_network_test.sh BINARY TWO_HOSTS
set -uo pipefail
. "$2"
cd "$TEST_TMPDIR"
ip link add cable0 type veth peer name cable1 && connect cable0 cable1 ||
  { echo "skipped: no cable can be made here"; exit 0; }

flags=(--set=training.batch_size=16 --set=training.epochs=400 --peer_timeout=5)
start 0 "${flags[@]}"
first=$!
start 1 "${flags[@]}"
second=$!
until [ -e run/checkpoints/state.textproto ] || ! kill -0 $first 2>/dev/null; do sleep 0.1; done
grep -q '^network   2 processes, through cable0 (10.77.0.1)$' out0 || { fail "the interface"; cat out0 err0 err1; }

ip link set cable0 down
SECONDS=0
wait $first && fail "rank 0 should fail"
wait $second && fail "rank 1 should fail"
[ $SECONDS -le 20 ] || fail "they should stop 5 s of silence and some more after the cut, not $SECONDS s"
grep -q 'rank 1 on .* was not heard of for' err0 || { fail "rank 0 should name rank 1"; cat err0; }
grep -q 'rank 0 on 10.77.0.1 was not heard of for' err1 || { fail "rank 1 should name rank 0"; cat err1; }

# The checkpoint stands, for one process alone.
epochs=$(($(wc -l <run/history.csv) - 1))
"$binary" --resume --output_dir=run --set=training.epochs=$((epochs + 1)) >out 2>err || { fail "going on"; cat err; }

[ $failures = 0 ] || exit 1
echo "all passed"
