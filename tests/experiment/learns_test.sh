#!/usr/bin/env bash
# Runs the shipped experiment as the README says, on its 1,000 synthetic records, and expects that it learns them.
#   learns_test.sh BINARY SCORE
set -euo pipefail
export XDG_CACHE_HOME=$TEST_TMPDIR/cache
unset ECG_PTBXL_DIR BUILD_WORKING_DIRECTORY
"$1" --output_dir="$TEST_TMPDIR/run" | tee "$TEST_TMPDIR/out"
score=$(tail -n 1 "$TEST_TMPDIR/out" | sed -nE 's/^test macro ROC-AUC ([0-9.]+) .*/\1/p')
awk -v score="$score" -v expected="$2" 'BEGIN { exit !(score >= expected) }' || {
  echo "FAILED: expected a macro ROC-AUC of at least $2, found ${score:-none}"
  exit 1
}
