#!/usr/bin/env python3
"""Compares two distances in the space of a network's features, by how well they tell recordings that a network was not
made for from test records of PTB-XL: that of Mahalanobis, which runs use, and that to the k-th nearest training record.

    python3 bench/unlikeness.py RUN FOLDER_OF_PTBXL FOLDER...

RUN is of a network with a head on PTB-XL at 100 Hz, split 1. Each FOLDER has other recordings of ten seconds or more,
as `//cli:convert -- FILE FILE.csv` writes them. It prints the ROC-AUC of each distance for each kind of recording, and
needs Python's numpy, scipy, scikit-learn, onnx and onnxruntime.
"""

import csv
import glob
import os
import sys
from fractions import Fraction

import numpy
import onnx
import onnxruntime
from scipy.signal import resample_poly
from sklearn.covariance import LedoitWolf
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

LEADS = "I II III aVR aVL aVF V1 V2 V3 V4 V5 V6".split()
run, ptbxl, *others = sys.argv[1:]


def load_network():
    """Returns model.onnx with one more output, the features: the input of the head's first linear layer."""
    model = onnx.load(os.path.join(run, "model.onnx"))
    first = next(node for node in model.graph.node if node.op_type in ("Gemm", "MatMul"))
    features = onnx.helper.make_tensor_value_info(first.input[0], onnx.TensorProto.FLOAT, None)
    model.graph.output.append(features)
    network = onnxruntime.InferenceSession(model.SerializeToString())
    about = network.get_modelmeta().custom_metadata_map
    crop, stride = int(about["crop_samples"]), int(about["window_stride_samples"])
    return network, first.input[0], crop, stride, float(about["mean_mv"])


network, output, length, stride, mean_mv = load_network()


def features_of(signals):
    """Returns the features of each record [12, samples], the mean over its windows."""
    rows = []
    for signal in signals:
        padded = numpy.pad(signal, ((0, 0), (0, stride - signal.shape[1] % stride)), constant_values=mean_mv)
        starts = range(0, padded.shape[1] - length + 1, stride)
        windows = numpy.stack([padded[:, start : start + length] for start in starts]).astype(numpy.float32)
        rows.append(network.run([output], {"signals": windows})[0].mean(axis=0))
    return numpy.stack(rows).astype(numpy.float64)


def read_ptbxl():
    """Returns the records of the training, validation and test folds, [12, 1000] in mV each."""
    parts = {"training": [], "validation": [], "test": []}
    with open(os.path.join(ptbxl, "ptbxl_database.csv"), newline="") as file:
        for row in csv.DictReader(file):
            path = os.path.join(ptbxl, row["filename_lr"] + ".dat")
            if os.path.exists(path):
                fold = int(float(row["strat_fold"]))
                signal = numpy.fromfile(path, "<i2").reshape(-1, 12).T / 1000
                parts[{9: "validation", 10: "test"}.get(fold, "training")].append(signal)
    return parts


def read_others(folder):
    """Returns the first ten seconds of the recordings of a folder that have enough leads, at 100 Hz."""
    found = []
    for path in sorted(glob.glob(os.path.join(folder, "*.csv"))):
        with open(path, newline="") as file:
            header, *rows = csv.reader(file)
        values = numpy.array([[float(cell or 0) for cell in row] for row in rows]).T
        columns = {name.split(" ")[0]: value for name, value in zip(header, values)}
        if not {"I", "II", *LEADS[6:]} <= columns.keys():
            continue
        first, second = columns["I"], columns["II"]
        derived = {"III": second - first, "aVR": -(first + second) / 2}
        derived.update({"aVL": first - second / 2, "aVF": second - first / 2})
        signal = numpy.stack([columns.get(lead, derived.get(lead)) for lead in LEADS])
        rate = Fraction(round((len(rows) - 1) / (columns["time"][-1] - columns["time"][0])))
        factor = 100 / rate
        at_100_hz = resample_poly(signal, factor.numerator, factor.denominator, axis=1)[:, :1000]
        if at_100_hz.shape[1] >= 990:
            found.append(at_100_hz)
    return found


random = numpy.random.default_rng(1)


def exchange_arms(signal):
    exchanged = signal.copy()
    exchanged[0], exchanged[1], exchanged[2] = -signal[0], signal[2], signal[1]
    exchanged[3], exchanged[4] = signal[4], signal[3]
    return exchanged


def without(signal, leads):
    cut = signal.copy()
    cut[leads] = 0
    return cut


KINDS = {
    "arms exchanged": exchange_arms,
    "V1 to V6 in reverse order": lambda x: x[[0, 1, 2, 3, 4, 5, 11, 10, 9, 8, 7, 6]],
    "all leads in random order": lambda x: x[random.permutation(12)],
    "upside down": lambda x: -x,
    "backwards in time": lambda x: x[:, ::-1],
    "half the speed": lambda x: resample_poly(x, 2, 1, axis=1)[:, :1000],
    "white noise of 0.1 mV added": lambda x: x + random.normal(0, 0.1, x.shape),
    "white noise of 0.5 mV added": lambda x: x + random.normal(0, 0.5, x.shape),
    "five times the amplitude": lambda x: 5 * x,
    "a fifth of the amplitude": lambda x: x / 5,
    "clipped at 0.2 mV": lambda x: numpy.clip(x, -0.2, 0.2),
    "V1 to V6 flat": lambda x: without(x, slice(6, 12)),
    "all leads flat but II": lambda x: without(x, [0] + list(range(2, 12))),
    "noise of 0.2 mV alone": lambda x: random.normal(0, 0.2, x.shape),
    "flat, with noise of 5 uV": lambda x: random.normal(0, 0.005, x.shape),
}

parts = read_ptbxl()
features = {name: features_of(signals) for name, signals in parts.items()}
training = features["training"]
fitted = LedoitWolf().fit(training)
NEIGHBOURS = (1, 10, 50)
unit = lambda x: x / numpy.maximum(numpy.linalg.norm(x, axis=1, keepdims=True), 1e-12)
plain, directions = NearestNeighbors().fit(training), NearestNeighbors().fit(unit(training))


def distances(x):
    """Returns the distances of features [R, F] by name: the nearest neighbours of features, and of their directions."""
    found = {"Mahalanobis": fitted.mahalanobis(x)}
    for name, space, points in (("", plain, x), ("unit ", directions, unit(x))):
        nearest = space.kneighbors(points, max(NEIGHBOURS))[0]
        found.update({f"{name}{k}-nn": nearest[:, k - 1] for k in NEIGHBOURS})
    return found


test = distances(features["test"])
print(f"{len(training)} training and {len(features['test'])} test records, {training.shape[1]} features")
print(f"{'':34}{'count':>6}" + "".join(f"{name:>13}" for name in test))
sets = {name: [change(signal) for signal in parts["test"]] for name, change in KINDS.items()}
sets = {"validation records": parts["validation"], **sets}
for folder in others:
    sets[os.path.basename(folder.rstrip("/"))] = read_others(folder)
means = {name: [] for name in test}
for kind, signals in sets.items():
    found = distances(features_of(signals))
    line = f"{kind:34}{len(signals):6}"
    for name, theirs in found.items():
        area = roc_auc_score([0] * len(test[name]) + [1] * len(theirs), numpy.concatenate([test[name], theirs]))
        line += f"{area:13.3f}"
        if kind != "validation records":
            means[name].append(area)
    print(line)
print(f"{'mean of all but the first':34}{'':6}" + "".join(f"{numpy.mean(areas):13.3f}" for areas in means.values()))
