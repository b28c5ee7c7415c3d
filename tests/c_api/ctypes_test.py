"""The C interface, called by Python's ctypes: ctypes_test.py LIBRARY RUN ecg.csv"""

import concurrent.futures
import csv
import ctypes
import json
import subprocess
import sys


class Samples(ctypes.Structure):
    _fields_ = [
        ("values", ctypes.POINTER(ctypes.c_float)),
        ("leads", ctypes.c_size_t),
        ("samples", ctypes.c_size_t),
        ("lead_names", ctypes.POINTER(ctypes.c_char_p)),
        ("unit", ctypes.c_char_p),
        ("rate_hz", ctypes.c_double),
    ]


library, run, recording = sys.argv[1:]
ecg = ctypes.CDLL(library)
ecg.ecg_predictor_classes.restype = ctypes.c_size_t
ecg.ecg_predictor_class_name.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
ecg.ecg_reading_probabilities.restype = ctypes.POINTER(ctypes.c_float)
for name in ["ecg_version", "ecg_predictor_class_name", "ecg_predictor_json", "ecg_reading_json"]:
    getattr(ecg, name).restype = ctypes.c_char_p
for name in ["ecg_predictor_free", "ecg_reading_free", "ecg_string_free"]:
    getattr(ecg, name).restype = None


class EcgError(Exception):
    pass


def call(function, *arguments):
    """Returns the pointer that `function` gives, or raises its message."""
    result, message = ctypes.c_void_p(), ctypes.c_void_p()
    code = function(*arguments, ctypes.byref(result), ctypes.byref(message))
    if code == 0:
        assert message.value is None
        return result
    text = ctypes.string_at(message.value).decode()
    ecg.ecg_string_free(message)
    raise EcgError(f"{code}: {text}")


def probabilities(reading):
    values = ecg.ecg_reading_probabilities(reading)
    found = [values[k] for k in range(ecg.ecg_predictor_classes(predictor))]
    ecg.ecg_reading_free(reading)
    return found


def refuses(text, function, *arguments):
    try:
        call(function, *arguments)
    except EcgError as error:
        assert text in str(error), error
    else:
        raise AssertionError(f"expected an error with {text}")


assert ecg.ecg_predict_api() == 1
predictor = call(ecg.ecg_predictor_load, run.encode(), b"cpu")
model = json.loads(ecg.ecg_predictor_json(predictor))
names = [ecg.ecg_predictor_class_name(predictor, k).decode() for k in range(len(model["classes"]))]
assert names == model["classes"] and model["sampling_frequency_hz"] == 100 and model["window_seconds"] == 2.5

expected = probabilities(call(ecg.ecg_predict_file, predictor, recording.encode(), None))
bytes_ = open(recording, "rb").read()
assert probabilities(call(ecg.ecg_predict_bytes, predictor, bytes_, ctypes.c_size_t(len(bytes_)), None, None)) == expected

# The JSON has the same probabilities, to the last digit of a float.
reading = call(ecg.ecg_predict_file, predictor, recording.encode(), None)
read = json.loads(ecg.ecg_reading_json(reading))
statements = {s["code"]: s["probability"] for s in read["statements"]}
assert read["unlike_training"]["distance"] > 0 and 0 <= read["unlike_training"]["validation_share"] <= 1, read
assert [ctypes.c_float(statements[name]).value for name in names] == expected
ecg.ecg_reading_free(reading)

# Samples in another unit and order of leads. Those that are derived were rounded in the file.
columns = list(zip(*csv.reader(open(recording))))[1:]
leads = {column[0].split()[0]: [1000 * float(x) for x in column[1:]] for column in columns}
given = ["V6", "V5", "V4", "V3", "V2", "V1", "II", "I"]
flat = [x for name in given for x in leads[name]]
samples = Samples(
    (ctypes.c_float * len(flat))(*flat),
    len(given),
    len(leads["I"]),
    (ctypes.c_char_p * len(given))(*[name.encode() for name in given]),
    b"uV",
    100,
)
found = probabilities(call(ecg.ecg_predict_samples, predictor, ctypes.byref(samples)))
assert max(abs(a - b) for a, b in zip(found, expected)) < 1e-3, (found, expected)

refuses("3: ", ecg.ecg_predict_file, predictor, None, None)
refuses("5: ", ecg.ecg_predict_file, predictor, b"no such file", None)
refuses("no format", ecg.ecg_predict_bytes, predictor, b"\0\1", ctypes.c_size_t(2), None, None)
samples.leads = 6
refuses("missing", ecg.ecg_predict_samples, predictor, ctypes.byref(samples))

# ctypes lets go of the interpreter's lock, so that threads are in the library at the same time.
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    work = lambda _: probabilities(call(ecg.ecg_predict_file, predictor, recording.encode(), None))
    for found in pool.map(work, range(40)):
        assert found == expected
ecg.ecg_predictor_free(predictor)

# Nothing but the interface can be seen. The linker leaves weak copies of what libstdc++ has, too.
symbols = subprocess.run(["nm", "--dynamic", "--defined-only", library], capture_output=True, text=True, check=True)
kinds = {line.split()[-1]: line.split()[-2] for line in symbols.stdout.splitlines()}
others = [name for name, kind in kinds.items() if kind.isupper() and not name.startswith(("ecg_", "_ZNSt", "_ZNKSt"))]
assert not others, others
print("passed")
