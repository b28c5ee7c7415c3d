#!/usr/bin/env python3
"""Writes s4.json, which tests/parity/parity_test.cc reads: number of parameters, state, logits, loss and norms of the
gradients of S4 as published, on weights and signals that are functions of their names (ecg/parity/deterministic.h).

    git clone https://github.com/AI4HealthUOL/ecg-fm-benchmarking
    pip install torch numpy scipy einops opt_einsum pytorch_lightning
    python3 tests/data/make_s4.py ecg-fm-benchmarking tests/data/s4.json

The published code computes its kernels with an extension for CUDA or with pykeops; here the sum is written out. The
buffers of the state-space layers are in the basis of ecg/nn/state_space.h, which differs by the phases of B and P.
"""

import json
import os
import sys

import numpy as np
import torch

from parity_json import deterministic

sys.path.insert(0, os.path.join(sys.argv[1], "code"))
from clinical_ts.models import s42, s4_model  # noqa: E402


def sum_of_fractions(v, z, w):
    v, w = v.unsqueeze(-1), w.unsqueeze(-1)
    return (v / (z - w) + v.conj() / (z - w.conj())).sum(-2)


s42.has_cauchy_extension = False
s42.cauchy_conj = sum_of_fractions


def weight(name, shape):
    u = deterministic(name, shape)
    if name.endswith((".C", ".D")):
        return u
    if name.endswith(".log_dt"):
        return np.log(0.01) + np.log(10) * u
    if len(shape) >= 2:
        return u * np.sqrt(3 / (u.size / shape[0]))
    return 1 + 0.1 * u if name.endswith("weight") else 0.1 * u


def hippo(size):
    n = np.arange(size)
    b = np.sqrt(2 * n + 1)
    half = np.outer(b, b) / 2
    frequencies, basis = np.linalg.eigh(-1j * (np.triu(half, 1) - np.tril(half, -1)))
    w = -0.5 + 1j * frequencies[size // 2 :]
    b = np.abs(basis[:, size // 2 :].conj().T @ b)
    return {"w": w, "B": b, "P": b / np.sqrt(2), "Q": b / np.sqrt(2)}


network = s4_model.S4Model(d_input=12, d_output=71, l_max=250, d_state=8, d_model=512, n_layers=4).eval()
for layer in network.s4_layers:
    kernel = layer.kernel.kernel
    for name, values in hippo(8).items():
        pairs = torch.view_as_real(torch.tensor(values, dtype=torch.complex64))
        setattr(kernel, name, pairs.expand(getattr(kernel, name).shape).clone())
state = network.state_dict()
with torch.no_grad():
    for name, tensor in state.items():
        if not name.endswith((".w", ".B", ".P", ".Q", ".omega", ".z")):
            tensor.copy_(torch.tensor(weight(name, tensor.shape)))

signals = torch.tensor(deterministic("input", (2, 12, 250)), dtype=torch.float32)
targets = torch.tensor(deterministic("input.target", (2, 71)) > 0.9, dtype=torch.float32)
logits = network(signals)
loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="sum")
loss.backward()
number = lambda x: float(f"{x:.9g}")  # noqa: E731
results = {
    "parameters": sum(parameter.numel() for parameter in network.parameters()),
    "state": [[name, list(tensor.shape)] for name, tensor in state.items()],
    "logits": [[number(x) for x in row] for row in logits.tolist()],
    "loss": number(loss.item()),
    "gradient_l2_norm": {name: number(p.grad.double().norm()) for name, p in network.named_parameters()},
}
with open(sys.argv[2], "w") as file:
    file.write('{"input_name": "input", "length": 250, "models": {"s4": {\n')
    file.write(",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in results.items()))
    file.write("\n}}}\n")
