"""Predicts the test records of a run with code that defines predict(signals), and compares it with the run's table.

  documented.py CODE RUN RECORDS
"""

import csv
import glob
import os
import sys

import numpy

code, run, records = (os.path.abspath(path) for path in sys.argv[1:])
with open(code) as file:
    source = file.read()
os.chdir(run)
names = {}
exec(source, names)


def signals_of(record):
    (header,) = glob.glob(f"{records}/*/{int(record):05d}_lr.hea")
    with open(header) as file:
        gain = float(file.readlines()[1].split()[2].split("/")[0].split("(")[0])
    return numpy.fromfile(header[:-3] + "dat", dtype="<i2").reshape(-1, 12).T / gain


greatest = 0
with open("predictions.csv", newline="") as file:
    rows = list(csv.DictReader(file))
for row in rows:
    for name, probability in names["predict"](signals_of(row["record"])).items():
        greatest = max(greatest, abs(probability - float(row["probability_" + name])))
print(f"{run}: {len(rows)} records, greatest difference {greatest:.1e}")
assert rows and greatest < 1e-5
