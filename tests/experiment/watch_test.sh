#!/usr/bin/env bash
# Watches a run of an experiment's binary: its live page, which stops it, and its curves as TensorBoard reads them. The
# latter is skipped where Python's tensorboard is missing: $ECG_PYTHON may name a Python that has it.
#   watch_test.sh BINARY READ_EVENTS_PY
set -uo pipefail
binary=$PWD/$1
read_events=$PWD/$2
python=${ECG_PYTHON:-python3}
cd "$TEST_TMPDIR"
export XDG_CACHE_HOME=$TEST_TMPDIR/cache
unset ECG_PTBXL_DIR BUILD_WORKING_DIRECTORY
small=(--demo_records=200 --set=training.batch_size=16)

failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
# refuses MESSAGE FLAG...: exit status 1, an error that has MESSAGE in it, and no output folder.
refuses() {
  local message=$1 status=0
  shift
  "$binary" "$@" --output_dir=refused >out 2>err || status=$?
  [ $status = 1 ] || fail "$* should exit with 1, not $status"
  grep -q -- "$message" err || { fail "$* should say: $message"; cat err; }
  [ ! -e refused ] || fail "$* should leave no folder"
}
# stop ADDRESS TOKEN: the first line of the answer to a request to stop.
stop() {
  local host=${1#http://}
  exec 3<>"/dev/tcp/${host%:*}/${host##*:}" || return
  printf 'POST /stop HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\nX-Token: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n' \
    "$host" "$1" "$2" >&3
  head -n 1 <&3
  exec 3>&-
}
events() { find run -name 'events.out.tfevents.*' | sort; }

# A live page stops the run after the epoch, and the run is tested as any other.
"$binary" "${small[@]}" --set=training.epochs=200 --output_dir=run --live >live_out 2>live_err &
process=$!
until address=$(grep -m 1 '^live  ' live_out) || ! kill -0 $process 2>/dev/null; do sleep 0.05; done
address=${address##* }
origin=${address%/#*} token=${address##*#} port=${address##*:} port=${address#http://127.0.0.1:} port=${port%%/*}
[[ "$address" =~ ^http://127\.0\.0\.1:[0-9]+/#[0-9a-f]{32}$ ]] || fail "the address should be told: $address"
refuses "cannot show the run on port $port" "${small[@]}" "--live=$port"
refuses '--live=here is no port' "${small[@]}" --live=here
refuses '--live shows a training' "${small[@]}" --live --describe
stop "$origin" "${token/[0-9a-f]/x}" | grep -qF ' 403 ' || fail "another token should not stop the run"
stop "$origin" "$token" | grep -qF ' 200 ' || fail "the token should stop the run"
wait $process || { fail "a stopped run should end well"; cat live_err; }
tail -n 1 live_out | grep -qE '^test macro ROC-AUC 0\.' || { fail "a stopped run should be tested"; cat live_out; }
epochs=$(($(wc -l <run/history.csv) - 1))
[ "$epochs" -ge 1 ] && [ "$epochs" -lt 200 ] || fail "the run should stop early, not after $epochs epochs"
[ "$(events | wc -l)" = 2 ] || { fail "training and test should have left a log each"; events; }

# A run that goes on, and a test that is repeated, log nothing twice.
"$binary" --resume "--set=training.epochs=$((epochs + 2))" --output_dir=run >out 2>err || { fail "it should go on"; cat err; }
"$binary" --mode=evaluate --output_dir=run >out 2>err || { fail "it should be tested again"; cat err; }
if "$python" -c 'import tensorboard' 2>/dev/null; then
  "$python" "$read_events" run $((epochs + 2)) || fail "TensorBoard should read the curves"
else
  echo "SKIPPED: $python has no tensorboard; ECG_PYTHON may name a Python that has it (python3 -m pip install tensorboard)"
fi

[ $failures = 0 ] && echo "PASSED"
exit $failures
