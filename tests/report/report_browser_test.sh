#!/usr/bin/env bash
# Opens the pages of a run, of a sweep and of a comparison in Chromium.
#   report_browser_test.sh REPORT COMPARE_RUNS MAKE_DEMO SCRIPT
# It needs a Python that has playwright, $ECG_PYTHON or else python3, and a Chromium: $ECG_CHROMIUM, else
# Debian's, else playwright's own.
set -uo pipefail
for python in ${ECG_PYTHON:+"$ECG_PYTHON"} python3; do
  if "$python" -c 'import playwright.sync_api' 2>/dev/null; then
    exec "$python" "$4" "$PWD/$1" "$PWD/$2" "$PWD/$3" "$TEST_TMPDIR" "${TEST_UNDECLARED_OUTPUTS_DIR:-$TEST_TMPDIR}"
  fi
done
echo "SKIPPED: no Python with playwright; python3 -m venv V && V/bin/pip install playwright, then ECG_PYTHON=V/bin/python"
