"""Reads an ECG with a trained model, in Python without packages: python3 embed.py libecg_predict.so RUN FILE"""

import ctypes
import json
import sys

library, run, recording = sys.argv[1:]
ecg = ctypes.CDLL(library)
ecg.ecg_reading_json.restype = ctypes.c_char_p
ecg.ecg_reading_json.argtypes = [ctypes.c_void_p]
predictor, reading, message = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_char_p()

if ecg.ecg_predictor_load(run.encode(), None, ctypes.byref(predictor), ctypes.byref(message)):
    sys.exit(message.value.decode())
if ecg.ecg_predict_file(predictor, recording.encode(), None, ctypes.byref(reading), ctypes.byref(message)):
    sys.exit(message.value.decode())
for statement in json.loads(ecg.ecg_reading_json(reading))["statements"]:
    print(statement["code"], "%.6g" % statement["probability"])
ecg.ecg_reading_free(reading)
ecg.ecg_predictor_free(predictor)
