#!/usr/bin/env bash
# Refuses numbers with which it could not serve.
#   serve_test.sh SERVE
set -uo pipefail
serve=$PWD/$1
cd "$TEST_TMPDIR"
unset BUILD_WORKING_DIRECTORY

failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

for flag in --port=-1 --port=70000 --batch=0 --max_waiting=0 --timeout_s=0 --max_seconds=0; do
  status=0
  "$serve" --model=nowhere "$flag" >out 2>err || status=$?
  [ $status = 1 ] || fail "the exit status of $flag should be 1, not $status"
  grep -qF "error: ${flag%=*}: " err || { fail "$flag should be named"; cat err; }
done
[ $failures = 0 ] && echo "PASSED"
exit $failures
