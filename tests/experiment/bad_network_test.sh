#!/usr/bin/env bash
# Two processes on two hosts with a network between them that delays, reorders and loses packets: nobody is taken for
# lost, and they train what two processes of one host do.
# Skipped where there is no Python, or TUN devices are not allowed.
#   bad_network_test.sh BINARY TWO_HOSTS BAD_NETWORK
set -uo pipefail
. "$2"
bad_network=$PWD/$3
python=${ECG_PYTHON:-python3}
cd "$TEST_TMPDIR"
command -v "$python" >/dev/null || { echo "skipped: there is no $python"; exit 0; }

: >packets
"$python" "$bad_network" --delay_ms=20 --jitter_ms=5 --loss=0.01 bad0 bad1 >>packets 2>packets_err &
network=$!
trap 'kill $other $network' EXIT
until grep -q ready packets || ! kill -0 $network 2>/dev/null; do sleep 0.05; done
kill -0 $network 2>/dev/null || { echo "skipped: $(cat packets_err)"; exit 0; }
connect bad0 bad1 || { echo "skipped: the devices cannot be used here"; exit 0; }

# Sums of a matrix product depend on the number of threads.
flags=(--set=training.batch_size=80 --set=training.epochs=2 --set=runtime.threads=1 --set=runtime.seed=1)
SECONDS=0
start 0 "${flags[@]}" --peer_timeout=5
first=$!
start 1 "${flags[@]}" --peer_timeout=5
second=$!
wait $first || { fail "rank 0"; cat err0; }
wait $second || { fail "rank 1"; cat err1; }
echo "$SECONDS s over the bad network"
grep -q '^network   2 processes, through bad0 (10.77.0.1)$' out0 || { fail "the interface"; cat out0 err0 err1; }
trap 'kill $other' EXIT
kill $network
wait $network
tail -n 1 packets
awk 'END { exit !($1 > 1000 && $3 > $1 / 200) }' packets || fail "the network should have been bad"

SECONDS=0
"$binary" --demo_records=200 "${flags[@]}" --output_dir=loopback --processes=2 >out 2>err ||
  { fail "over the loopback"; cat err; }
echo "$SECONDS s over the loopback"
# Two terms have one sum, whichever comes first; and each process adds its own crops in the same order.
for file in model.safetensors predictions.csv; do
  cmp run/$file loopback/$file || fail "$file should not depend on the network"
done

[ $failures = 0 ] || exit 1
echo "all passed"
