"""Reads what to_mlflow_test.sh wrote, with MLflow.

  read_mlflow.py MLRUNS
"""

import os
import sys

import mlflow

mlflow.set_tracking_uri("file://" + os.path.abspath(sys.argv[1]))
runs = mlflow.search_runs(experiment_names=["resnet18_all"], order_by=["metrics.`test.score`"])
assert list(runs["metrics.test.score"]) == [0.6, 0.7, 0.8], runs["metrics.test.score"]
assert list(runs["tags.mlflow.runName"]) == ["learning_rate=0.01,task=A: {b}", "learning_rate=0.001,task=A: {b}", "alone"]
assert set(runs["status"]) == {"FINISHED"}
assert set(runs["params.training.epochs"]) == {"2"}
assert all(len(value) == 6000 for value in runs["params.description"])
assert set(runs["tags.ecg.dataset"]) == {"PTB-XL: \"a\" 'b' #c"}
assert set(runs["metrics.test.roc_auc/1__2_ _ _AV_: _1"]) == {0.8}, list(runs.columns)
assert all(round((end - start).total_seconds()) >= 30 for start, end in zip(runs["start_time"], runs["end_time"]))

client = mlflow.MlflowClient()
run_id = runs["run_id"][2]
history = client.get_metric_history(run_id, "train_loss")
assert [(point.step, point.value) for point in history] == [(1, 9.5), (2, 8.5)], history
assert {file.path for file in client.list_artifacts(run_id)} == {"spec.textproto", "run.json", "history.csv"}
assert "epochs: 2" in mlflow.artifacts.load_text(client.get_run(run_id).info.artifact_uri + "/spec.textproto")
