#!/usr/bin/env bash
# The Python and the JavaScript of docs/onnx.md, as they stand there, predict with ONNX Runtime what the run's own test
# predicted, by either aggregation. $ECG_PYTHON may name a Python that has onnxruntime, and $NODE_PATH a folder with
# onnxruntime-node; what is missing is skipped.
#   documented_test.sh EXPERIMENT ONNX_MD COMPARE_PY COMPARE_JS
set -euo pipefail
experiment=$PWD/$1 document=$PWD/$2 compare_py=$PWD/$3 compare_js=$PWD/$4
python=${ECG_PYTHON:-python3}
cd "$TEST_TMPDIR"
export XDG_CACHE_HOME=$TEST_TMPDIR/cache
unset ECG_PTBXL_DIR BUILD_WORKING_DIRECTORY
fail() { echo "FAILED: $*" && exit 1; }

# The code is what is indented between two sentences.
code() {  # FROM TO
  awk -v from="$1" -v to="$2" \
    'index($0, to) { on = 0 } on && /^(    |$)/ { print substr($0, 5) } index($0, from) { on = 1 }' "$document"
}
code 'In Python:' 'In JavaScript,' >documented.py
code 'In JavaScript,' 'Both are for' >documented.js
grep -q 'def predict' documented.py && grep -q 'function predict' documented.js || fail "the document has no code"

has_python=yes has_node=yes
"$python" -c 'import numpy, onnxruntime' 2>/dev/null || has_python=no
node -e 'require("onnxruntime-node")' 2>/dev/null || has_node=no
[ $has_python = yes ] || echo "SKIPPED: $python has no onnxruntime (python3 -m pip install onnxruntime)"
[ $has_node = yes ] || echo "SKIPPED: Node has no onnxruntime-node (npm install onnxruntime-node)"
[ $has_python = yes ] || [ $has_node = yes ] || exit 0

compare() {  # RUN SETTING...: trains a network, and predicts its test records
  local run=$1
  shift
  "$experiment" --demo_records=150 --set=training.batch_size=16 --set=training.epochs=1 "${@/#/--set=}" \
    --output_dir="$run" >out 2>err || { cat err; fail "$run should train"; }
  corpus=$(sed -n 's|^ *data_dir: "\(.*\)"|\1|p' "$run/spec.textproto")
  if [ $has_python = yes ]; then
    "$python" "$compare_py" documented.py "$run" "$corpus/records100" || fail "Python should predict as $run"
  fi
  if [ $has_node = yes ]; then
    node "$compare_js" "$PWD/documented.js" "$run" "$corpus/records100" || fail "JavaScript should predict as $run"
  fi
}
compare maximum
compare mean evaluation.mean_probability={} evaluation.stride_seconds=2.5
compare uneven evaluation.mean_probability={} evaluation.stride_seconds=0.7
echo passed
