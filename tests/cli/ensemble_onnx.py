"""Compares what ONNX Runtime makes of an ensemble's model.onnx with what //cli:predict says of the same recording.

  ensemble_onnx.py MODEL_ONNX ECG_CSV PREDICTED_CSV
"""

import csv
import sys

import numpy
import onnxruntime

model, recording, predicted = sys.argv[1:]
network = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
about = network.get_modelmeta().custom_metadata_map
length, stride = int(about["crop_samples"]), int(about["window_stride_samples"])
assert about["aggregation"] == "maximum", about["aggregation"]

with open(recording, newline="") as file:
    header, *rows = csv.reader(file)
columns = [next(i for i, name in enumerate(header) if name.split()[0] == lead) for lead in about["leads"].split(",")]
signals = numpy.array([[float(row[i]) for row in rows] for i in columns])
beyond = stride - signals.shape[1] % stride
padded = numpy.pad(signals, ((0, 0), (0, beyond)), constant_values=float(about["mean_mv"]))
starts = range(0, padded.shape[1] - length + 1, stride)
windows = numpy.stack([padded[:, start : start + length] for start in starts]).astype(numpy.float32)


def sigmoid(logits):
    return 1 / (1 + numpy.exp(-logits.astype(numpy.float64)))


# A record: each member's maximum over the windows, then the mean of the members.
by_logit = about["members_mean"] == "logit"
logits, probabilities, member_logits = network.run(["logits", "probabilities", "member_logits"], {"signals": windows})
assert member_logits.shape == (len(windows), int(about["members"]), len(about["classes"].split(",")))
of_members = member_logits.max(axis=0)
found = sigmoid(of_members.mean(axis=0)) if by_logit else sigmoid(of_members).mean(axis=0)

with open(predicted, newline="") as file:
    reading = next(csv.DictReader(file))
expected = numpy.array([float(reading["probability_" + name]) for name in about["classes"].split(",")])
difference = abs(found - expected).max()
print(f"{model}: greatest difference {difference:.1e}")
assert difference < 1e-5, (found, expected)

# A window: the two outputs that a run has, too.
mean = sigmoid(member_logits.mean(axis=1)) if by_logit else sigmoid(member_logits).mean(axis=1)
assert abs(probabilities - mean).max() < 1e-6
assert abs(sigmoid(logits) - probabilities).max() < 1e-6
# All windows together give what each gives alone.
(alone,) = network.run(["probabilities"], {"signals": windows[:1]})
assert abs(alone[0] - probabilities[0]).max() < 1e-6
