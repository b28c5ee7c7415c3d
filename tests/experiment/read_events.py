"""Reads the curves of a run with TensorBoard's own reader, and compares them with history.csv.

  read_events.py RUN EPOCHS
"""

import csv
import math
import sys

from tensorboard import context
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer

folder, epochs = sys.argv[1], int(sys.argv[2])
multiplexer = plugin_event_multiplexer.EventMultiplexer(
    size_guidance={}, tensor_size_guidance={"scalars": 0, "pr_curves": 0, "text": 0})
multiplexer.AddRunsFromDirectory(folder)
multiplexer.Reload()
provider = data_provider.MultiplexerDataProvider(multiplexer, folder)
everything = {"experiment_id": "", "run_tag_filter": None}


def only_run(runs):
    assert list(runs) == ["."], runs
    return runs["."]


curves = only_run(provider.read_scalars(context.RequestContext(), plugin_name="scalars", downsample=10**6, **everything))
for tag in ("loss/train", "loss/validation", "macro ROC-AUC/train", "macro ROC-AUC/validation", "step/loss",
            "step/learning_rate", "step/gradient_norm", "test/macro ROC-AUC"):
    assert tag in curves, (tag, list(curves))
for tag, points in curves.items():
    steps = [point.step for point in points]
    assert steps == sorted(set(steps)), f"{tag} should have each step once, in order: {steps}"
    assert all(math.isfinite(point.value) for point in points), tag

with open(folder + "/history.csv") as file:
    history = list(csv.DictReader(file))
assert len(history) == epochs
for tag, column in (("loss/train", "train_loss"), ("macro ROC-AUC/validation", "validation_score")):
    values = [point.value for point in curves[tag]]
    expected = [float(row[column]) for row in history]
    assert len(values) == epochs and all(math.isclose(*pair, rel_tol=1e-6) for pair in zip(values, expected)), tag
assert all(point.value > 0 for point in curves["step/gradient_norm"])
assert len(curves["test/macro ROC-AUC"]) == 1

texts = only_run(provider.read_tensors(context.RequestContext(), plugin_name="text", downsample=100, **everything))
assert b"    epochs: " in texts["spec"][0].numpy.ravel()[0], texts
pr_curves = only_run(provider.read_tensors(context.RequestContext(), plugin_name="pr_curves", downsample=100, **everything))
with open(folder + "/predictions.csv") as file:
    predictions = list(csv.DictReader(file))
assert len(pr_curves) == sum(column.startswith("target_") for column in predictions[0])
for tag, points in pr_curves.items():
    assert len(points) == 1, f"{tag} should be there once"
    true_positives, false_positives, true_negatives, false_negatives, precision, recall = points[0].numpy
    name = tag[len("test/precision-recall/"):]
    positives = sum(row["target_" + name] == "1" for row in predictions)
    assert true_positives[0] == positives and false_positives[0] == len(predictions) - positives, tag
    at_half = sum(row["target_" + name] == "1" and float(row["probability_" + name]) >= 0.5 for row in predictions)
    assert true_positives[50] == at_half, tag
    assert (true_positives + false_negatives == positives).all() and (recall <= 1).all() and (precision <= 1).all(), tag
