#!/usr/bin/env bash
# Two processes on two hosts, which are network namespaces with a cable between them; the cable is cut while they train.
# Skipped where this user may not make namespaces, or iproute2 is missing.
#   cut_network_test.sh BINARY
set -uo pipefail
if [ -z "${IN_NAMESPACE:-}" ]; then
  for tool in ip unshare nsenter; do
    PATH=$PATH:/usr/sbin:/sbin command -v $tool >/dev/null || { echo "skipped: there is no $tool"; exit 0; }
  done
  unshare --map-root-user --net true 2>/dev/null || { echo "skipped: namespaces are not allowed here"; exit 0; }
  IN_NAMESPACE=1 exec unshare --map-root-user --net "$0" "$@"
fi
PATH=$PATH:/usr/sbin:/sbin
binary=$PWD/$1
cd "$TEST_TMPDIR"
export XDG_CACHE_HOME=$TEST_TMPDIR/cache
unset ECG_PTBXL_DIR BUILD_WORKING_DIRECTORY

failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

unshare --net sleep 600 &
other=$!
trap 'kill $other' EXIT
until [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
there=(nsenter --target $other --net)
ip link set lo up && "${there[@]}" ip link set lo up &&
  ip link add cable0 type veth peer name cable1 netns $other &&
  ip address add 10.77.0.1/24 dev cable0 && "${there[@]}" ip address add 10.77.0.2/24 dev cable1 &&
  ip link set cable0 up && "${there[@]}" ip link set cable1 up || { echo "skipped: no cable can be made here"; exit 0; }

# start RANK COMMAND...
start() {
  local rank=$1
  shift
  RANK=$rank WORLD_SIZE=2 LOCAL_RANK=0 LOCAL_WORLD_SIZE=1 MASTER_ADDR=10.77.0.1 MASTER_PORT=29500 "$@" "$binary" \
    --demo_records=200 --set=training.batch_size=16 --set=training.epochs=400 --peer_timeout=5 --output_dir=run \
    >out$rank 2>err$rank &
}
start 0 env
first=$!
start 1 "${there[@]}"
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
