#!/usr/bin/env bash
# Writes runs for MLflow, and lets MLflow itself read them. The latter is skipped where Python's mlflow is missing:
# $ECG_PYTHON may name a Python that has it.
#   to_mlflow_test.sh TO_MLFLOW READ_MLFLOW_PY
set -uo pipefail
to_mlflow=$PWD/$1
read_mlflow=$PWD/$2
python=${ECG_PYTHON:-python3}
cd "$TEST_TMPDIR"
unset BUILD_WORKING_DIRECTORY

failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

# make_run FOLDER SCORE
make_run() {
  mkdir -p "$1"
  echo 'training { epochs: 2 }' >"$1/spec.textproto"
  printf 'epoch,train_loss,validation_score,seconds\n1,9.5,,10\n2,8.5,0.7,20\n' >"$1/history.csv"
  cat >"$1/run.json" <<JSON
{"name": "resnet18_all", "dataset": "PTB-XL: \"a\" 'b' #c", "device": "cpu",
 "spec": {"description": "$(printf 'long %.0s' {1..3000})\\nsecond: line", "training": {"epochs": 2}},
 "test": {"score": $2, "per_class": [{"name": "AFIB", "roc_auc": 0.9}, {"name": "1°/2° ≥ {AV}: #1", "roc_auc": 0.8}]}}
JSON
}
make_run "runs/sweep/learning_rate=0.01,task=A: {b}" 0.6
make_run "runs/sweep/learning_rate=0.001,task=A: {b}" 0.7
make_run runs/alone 0.8

"$to_mlflow" runs/sweep runs/alone >out || fail "the runs should be written"
grep -qF '3 runs in mlruns' out || { fail "their number should be told"; cat out; }
"$to_mlflow" runs/sweep >out || fail "runs should be written again"
"$to_mlflow" . --output=mlruns >out || fail "all runs below a folder should be written"
grep -qF '3 runs in mlruns' out || { fail "what was written is no run itself"; cat out; }
"$to_mlflow" runs/alone --output=runs/al >out || fail "a run whose name begins with the output's should be written"
"$to_mlflow" nowhere >out 2>err && fail "a folder without runs should be refused"
grep -qF 'there is no run in nowhere' err || { fail "the folder should be named"; cat err; }

if "$python" -c 'import mlflow' 2>/dev/null; then
  MLFLOW_ALLOW_FILE_STORE=true "$python" "$read_mlflow" mlruns || fail "MLflow should read the runs"
else
  echo "SKIPPED: $python has no mlflow; ECG_PYTHON may name a Python that has it (python3 -m pip install mlflow)"
fi
[ $failures = 0 ] && echo "PASSED"
exit $failures
