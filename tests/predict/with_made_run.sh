#!/usr/bin/env bash
# Runs a test that is not in C++ with a made run and a recording: with_made_run.sh WRITE_MADE_RUN PROGRAM ARGUMENT...
# calls PROGRAM ARGUMENT... RUN FILE. It is skipped where PROGRAM, such as python3, is not installed.
set -euo pipefail
write=$1
shift
if ! command -v "$1" >/dev/null; then
  echo "skipped: $1 is not installed"
  exit 0
fi
"$write" "$TEST_TMPDIR/made"
exec "$@" "$TEST_TMPDIR/made/run" "$TEST_TMPDIR/made/ecg.csv"
