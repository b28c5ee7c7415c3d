#!/usr/bin/env bash
# 64 connections at the same time lose nothing: load_test.sh SERVE RUN FILE [SECONDS]
#
# A minute of a run of your own:
#
#   bazel build //cli:serve && tests/serve/load_test.sh bazel-bin/cli/serve RUN ecg.xml 60
set -euo pipefail
serve=$1 run=$2 file=$3 seconds=${4:-4}
for program in wrk curl; do
  command -v $program >/dev/null || { echo "skipped: Debian's $program is not installed"; exit 0; }
done
work=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$work"' EXIT
fail() { echo "FAILED: $*"; exit 1; }

"$serve" --model="$run" --port=0 >"$work/out" &
server=$!
for _ in $(seq 300); do grep -q http "$work/out" && break; sleep 0.1; done
address=$(sed -n 's/.*\(http:[^ ]*\).*/\1/p' "$work/out")
[ -n "$address" ] || fail "the server should start"

cat >"$work/post.lua" <<END
local file = io.open("$file", "rb")
wrk.method = "POST"
wrk.body = file:read("*a")
END
wrk --threads=2 --connections=64 --duration="${seconds}s" --timeout=30s --latency --script="$work/post.lua" \
  "$address/v1/predict" | tee "$work/found"
! grep -q 'Socket errors' "$work/found" || fail "no connection should be lost"
! grep -q 'Non-2xx' "$work/found" || fail "every request should be answered with 200"

# The server has counted what wrk has, and at most the 64 more that were on their way at the end; nothing else.
for _ in $(seq 100); do
  curl -sS "$address/metrics" >"$work/metrics"
  grep -q '^ecg_waiting_recordings 0$' "$work/metrics" && break
  sleep 0.1
done
wrk_count=$(sed -n 's/^ *\([0-9]*\) requests in.*/\1/p' "$work/found")
count=$(sed -n 's/^ecg_requests_total{code="200"} //p' "$work/metrics")
[ "$wrk_count" -gt 0 ] && [ "$count" -ge "$wrk_count" ] && [ "$count" -le $((wrk_count + 64)) ] ||
  fail "the server counted $count answers, and wrk $wrk_count"
[ "$(grep -c '^ecg_requests_total' "$work/metrics")" = 1 ] || fail "there should be no other answer"
[ "$(curl -sS "$address/readyz")" = ready ] || fail "the server should be ready"
kill "$server"
wait "$server" || fail "the server should stop"
echo "passed: 99% of $wrk_count answers within $(awk '/99%/ { print $2 }' "$work/found")"
