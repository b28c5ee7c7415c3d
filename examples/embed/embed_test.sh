#!/usr/bin/env bash
# The examples in C++, C and Python give the same probabilities: embed_test.sh EMBED EMBED_C EMBED.PY LIBRARY RUN FILE
set -euo pipefail
embed=$1 embed_c=$2 embed_py=$3 library=$4 run=$5 recording=$6
"$embed" "$run" "$recording" | sort >"$TEST_TMPDIR/expected"
[ "$(wc -l <"$TEST_TMPDIR/expected")" = 5 ] || { echo "FAILED: expected five classes"; exit 1; }
"$embed_c" "$run" "$recording" | sort | diff "$TEST_TMPDIR/expected" -
if command -v python3 >/dev/null; then
  python3 "$embed_py" "$library" "$run" "$recording" | sort | diff "$TEST_TMPDIR/expected" -
fi
! "$embed" no/such/run "$recording" 2>"$TEST_TMPDIR/err"
grep -q 'there is no run in' "$TEST_TMPDIR/err"
echo passed
