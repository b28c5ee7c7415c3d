#!/usr/bin/env bash
# Opens the live page in a browser. It is skipped where Python's playwright or a Chromium is missing: $ECG_PYTHON may name
# a Python that has it, and $ECG_CHROMIUM a browser.
#   page_test.sh SHOW_LIVE PAGE_TEST_PY
set -uo pipefail
python=${ECG_PYTHON:-python3}
chromium=${ECG_CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}
if ! "$python" -c 'import playwright' 2>/dev/null; then
  echo "SKIPPED: $python has no playwright; ECG_PYTHON may name a Python that has it (python3 -m pip install playwright)"
  exit 0
fi
if [ -z "$chromium" ]; then
  echo "SKIPPED: there is no Chromium (apt-get install chromium); ECG_CHROMIUM may name one"
  exit 0
fi
exec "$python" "$2" "$1" "$chromium" "${TEST_UNDECLARED_OUTPUTS_DIR:-.}"
