#!/usr/bin/env python3
"""Compares every way to get a prediction with a run's own predictions.csv, on 100 of its test records:

    bazel build //cli:convert //cli:predict //cli:serve //ecg/c_api:libecg_predict.so
    python3 bench/agreement.py RUN FOLDER_OF_PTBXL

C++ is `//cli:predict`, which predicts many records at a time; C is libecg_predict.so, through ctypes, one at a time, from
the file, its bytes and its samples; HTTP is `//cli:serve`. ONNX Runtime reads the run's model.onnx as docs/onnx.md says,
if Python has onnxruntime and numpy. The exit status is 1 if C++, C or HTTP differ in a digit of predictions.csv, or one
of the others by more than 1e-4.
"""

import argparse
import csv
import ctypes
import json
import os
import subprocess
import sys
import tempfile
import urllib.request

LEADS = "I II III aVR aVL aVF V1 V2 V3 V4 V5 V6".split()


def read_expected(run, count):
    """Returns the classes, and the probabilities of each of the first `count` test records, as text."""
    with open(os.path.join(run, "predictions.csv"), newline="") as file:
        header, *rows = csv.reader(file)
    columns = [i for i, name in enumerate(header) if name.startswith("probability_")]
    classes = [header[i][len("probability_") :] for i in columns]
    return classes, {row[0]: [row[i] for i in columns] for row in rows[:count]}


def find_files(data, records, rate):
    """Returns the WFDB record, without extension, of each of `records`."""
    with open(os.path.join(data, "ptbxl_database.csv"), newline="") as file:
        column = "filename_lr" if rate == 100 else "filename_hr"
        files = {str(int(float(row["ecg_id"]))): row[column] for row in csv.DictReader(file)}
    return {record: os.path.join(data, files[record]) for record in records}


def by_cpp(binaries, run, files):
    listed = "\n".join(files.values())
    command = [binaries + "/cli/predict", "--model=" + run, "--format=csv", "-"]
    text = subprocess.run(command, input=listed, capture_output=True, text=True, check=True).stdout
    header, *rows = csv.reader(text.splitlines())
    width = sum(name.startswith("probability_") for name in header)
    return {record: row[1 : 1 + width] for record, row in zip(files, rows)}


class Samples(ctypes.Structure):
    _fields_ = [
        ("values", ctypes.POINTER(ctypes.c_float)),
        ("leads", ctypes.c_size_t),
        ("samples", ctypes.c_size_t),
        ("lead_names", ctypes.POINTER(ctypes.c_char_p)),
        ("unit", ctypes.c_char_p),
        ("rate_hz", ctypes.c_double),
    ]


class CLibrary:
    def __init__(self, binaries, run):
        self.ecg = ctypes.CDLL(binaries + "/ecg/c_api/libecg_predict.so")
        self.ecg.ecg_predictor_classes.restype = ctypes.c_size_t
        self.ecg.ecg_reading_probabilities.restype = ctypes.POINTER(ctypes.c_float)
        self.predictor = self._call(self.ecg.ecg_predictor_load, run.encode(), None)

    def _call(self, function, *arguments):
        result, message = ctypes.c_void_p(), ctypes.c_char_p()
        if function(*arguments, ctypes.byref(result), ctypes.byref(message)):
            sys.exit(message.value.decode())
        return result

    def _take(self, reading):
        values = self.ecg.ecg_reading_probabilities(reading)
        found = ["%.9g" % values[k] for k in range(self.ecg.ecg_predictor_classes(self.predictor))]
        self.ecg.ecg_reading_free(reading)
        return found

    def file(self, path):
        return self._take(self._call(self.ecg.ecg_predict_file, self.predictor, path.encode(), None))

    def bytes(self, path):
        content = open(path, "rb").read()
        size = ctypes.c_size_t(len(content))
        return self._take(self._call(self.ecg.ecg_predict_bytes, self.predictor, content, size, None, None))

    def samples(self, microvolts, rate):
        flat = [float(x) for lead in microvolts for x in lead]
        names = (ctypes.c_char_p * 12)(*[name.encode() for name in LEADS])
        samples = Samples((ctypes.c_float * len(flat))(*flat), 12, len(microvolts[0]), names, b"uV", rate)
        return self._take(self._call(self.ecg.ecg_predict_samples, self.predictor, ctypes.byref(samples)))


def by_http(binaries, run, paths, classes):
    server = subprocess.Popen([binaries + "/cli/serve", "--model=" + run, "--port=0"], stdout=subprocess.PIPE, text=True)
    try:
        address = server.stdout.readline().split()[-1]
        found = {}
        for record, path in paths.items():
            request = urllib.request.Request(address + "/v1/predict", data=open(path, "rb").read())
            reading = json.load(urllib.request.urlopen(request))
            by_class = {statement["code"]: statement["probability"] for statement in reading["statements"]}
            found[record] = ["%.9g" % by_class[name] for name in classes]
        return found
    finally:
        server.terminate()
        server.wait()


def read_microvolts(path):
    """Returns the samples of a WFDB record of format 16, [leads, samples], in steps of 1 uV."""
    with open(path + ".hea") as file:
        lines = file.read().split("\n")
    _, leads, rate, samples = lines[0].split()[:4]
    for line, name in zip(lines[1:13], LEADS):
        fields = line.split()
        assert fields[1] == "16" and fields[2].startswith("1000.0(0)/mV") and fields[8].upper() == name.upper(), line
    values = memoryview(open(path + ".dat", "rb").read()).cast("h")
    return [values.tolist()[lead :: int(leads)] for lead in range(int(leads))]


def by_onnx(run, signals):
    import numpy
    import onnxruntime

    network = onnxruntime.InferenceSession(os.path.join(run, "model.onnx"))
    about = network.get_modelmeta().custom_metadata_map
    length, stride = int(about["crop_samples"]), int(about["window_stride_samples"])
    assert about["aggregation"] == "maximum" and about["depends_on_batch"] == "false"
    found = {}
    for record, microvolts in signals.items():
        mv = numpy.array(microvolts) / 1000
        padded = numpy.pad(mv, ((0, 0), (0, stride - mv.shape[1] % stride)), constant_values=float(about["mean_mv"]))
        starts = range(0, padded.shape[1] - length + 1, stride)
        windows = numpy.stack([padded[:, start : start + length] for start in starts]).astype(numpy.float32)
        (probabilities,) = network.run(["probabilities"], {"signals": windows})
        found[record] = ["%.9g" % value for value in probabilities.max(axis=0)]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("data")
    parser.add_argument("--records", type=int, default=100)
    parser.add_argument("--binaries", default="bazel-bin")
    flags = parser.parse_args()
    classes, expected = read_expected(flags.run, flags.records)
    with open(os.path.join(flags.run, "spec.textproto")) as file:
        rate = 100 if "sampling_frequency_hz: 100" in file.read() else 500
    files = find_files(flags.data, expected, rate)
    signals = {record: read_microvolts(path) for record, path in files.items()}

    library = CLibrary(flags.binaries, flags.run)
    with tempfile.TemporaryDirectory() as folder:
        # A file of its own for what takes bytes: a WFDB record is two.
        single = {record: os.path.join(folder, record + ".xml") for record in files}
        for record, path in files.items():
            subprocess.run([flags.binaries + "/cli/convert", path, single[record]], check=True, capture_output=True)
        ways = {
            "C++, many at a time": by_cpp(flags.binaries, flags.run, files),
            "C, from files": {record: library.file(path) for record, path in files.items()},
            "C, from bytes of HL7 aECG": {record: library.bytes(path) for record, path in single.items()},
            "HTTP, HL7 aECG": by_http(flags.binaries, flags.run, single, classes),
        }
    exact = list(ways)
    ways["C, from samples in uV"] = {record: library.samples(signals[record], rate) for record in files}
    try:
        ways["ONNX Runtime"] = by_onnx(flags.run, signals)
    except ImportError as error:
        print("skipped: ONNX Runtime:", error, file=sys.stderr)

    print(f"{len(expected)} test records, {len(classes)} classes")
    print("%-28s %18s %20s" % ("", "same last digit", "largest difference"))
    failed = False
    for way, found in ways.items():
        pairs = [(a, b) for record in expected for a, b in zip(expected[record], found[record], strict=True)]
        same = sum(float(a) == float(b) for a, b in pairs)
        largest = max(abs(float(a) - float(b)) for a, b in pairs)
        failed |= same < len(pairs) if way in exact else largest > 1e-4
        print("%-28s %18s %20.2g" % (way, f"{same} of {len(pairs)}", largest))
    sys.exit(1 if failed else 0)


main()
