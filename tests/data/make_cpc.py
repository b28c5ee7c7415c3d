#!/usr/bin/env python3
"""Writes cpc.json, which tests/model/contrastive_head_test.cc reads: loss, accuracy and norms of the gradients of
contrastive predictive coding, on weights and signals that are functions of their names (ecg/parity/deterministic.h) and
on given negatives.

    pip install torch numpy
    python3 tests/data/make_cpc.py tests/data/cpc.json

It is written after the papers, in float64 and in the plainest way: S4 layers are recurrences over time, and the loss is
a loop over predictions with PyTorch's cross_entropy.
"""

import json
import sys

import numpy as np
import torch
import torch.nn.functional as F

from parity_json import deterministic

CONVOLUTIONS, LAYERS, CHANNELS, STATE, KERNEL_SAMPLES = 3, 2, 8, 4, 40
CROPS, LEADS, SAMPLES, STEPS, NEGATIVES = 2, 12, 60, 5, 7


def weight(name, shape):
    u = deterministic(name, shape)
    if name.endswith("running_var"):
        u = 1 + 0.1 * u
    elif name.endswith("running_mean"):
        u = 0.1 * u
    elif name.endswith((".C", ".D")):
        pass
    elif name.endswith(".log_dt"):
        u = np.log(0.01) + np.log(10) * u
    elif len(shape) >= 2:
        u = u * np.sqrt(3 / (u.size / shape[0]))
    else:
        u = 1 + 0.1 * u if name.endswith("weight") else 0.1 * u
    return torch.tensor(u.astype(np.float32).astype(np.float64))


state = {}


def parameter(name, *shape):
    state[name] = weight(name, shape).requires_grad_()
    return state[name]


def encode(x):
    for i in range(CONVOLUTIONS):
        name = f"backbone.encoder.{i}"
        inputs, kernel = (LEADS, 3) if i == 0 else (CHANNELS, 1)
        x = F.conv1d(x, parameter(f"{name}.0.weight", CHANNELS, inputs, kernel), None, 2 if i == 0 else 1, kernel // 2)
        mean, var = (weight(f"{name}.1.running_{what}", (CHANNELS,)) for what in ("mean", "var"))
        x = F.batch_norm(x, mean, var, parameter(f"{name}.1.weight", CHANNELS), parameter(f"{name}.1.bias", CHANNELS))
        x = F.relu(x)
    return x.transpose(1, 2)


def hippo():
    """A and B of HiPPO-LegS in the basis in which A + P P^* is diagonal and B positive."""
    n = np.arange(STATE)
    b = np.sqrt(2 * n + 1)
    a = -np.tril(np.outer(b, b), -1) - np.diag(n + 1)
    _, basis = np.linalg.eigh(-1j * (a + np.outer(b, b) / 2 + np.eye(STATE) / 2))
    in_basis = basis.conj().T @ b
    basis = basis * (in_basis / np.abs(in_basis))
    positive = list(range(STATE // 2, STATE))
    order = positive + [STATE - 1 - i for i in positive]  # the other of each pair has the opposite frequency
    basis = basis[:, order]
    return basis.conj().T @ a @ basis, basis.conj().T @ b


def state_space(name, u):
    log_dt = weight(f"{name}.kernel.kernel.log_dt", (CHANNELS,))
    stored = torch.view_as_complex(parameter(f"{name}.kernel.kernel.C", 1, CHANNELS, STATE // 2, 2))[0]
    stored = torch.cat([stored, stored.conj()], -1)  # [channels, N]
    a, b = (torch.tensor(x) for x in hippo())
    eye = torch.eye(STATE, dtype=torch.complex128)
    outputs = []
    for channel in range(CHANNELS):
        dt = float(np.exp(log_dt[channel].item()))
        inverse = torch.linalg.inv(eye - dt / 2 * a)
        step, enter = inverse @ (eye + dt / 2 * a), dt * inverse @ b
        c = stored[channel] @ torch.linalg.inv(eye - torch.linalg.matrix_power(step, KERNEL_SAMPLES))
        x, y = torch.zeros(u.shape[0], STATE, dtype=torch.complex128), []
        for t in range(u.shape[1]):
            x = x @ step.T + enter * u[:, t, channel, None]
            y.append((x @ c).real)
        outputs.append(torch.stack(y, 1))
    return torch.stack(outputs, -1) + u * parameter(f"{name}.D", 1, CHANNELS)


def context(x):
    for i in range(LAYERS):
        name = f"backbone.s4_layers.{i}"
        y = F.gelu(state_space(name, x))
        linear = parameter(f"{name}.output_linear.0.weight", 2 * CHANNELS, CHANNELS)
        bias = parameter(f"{name}.output_linear.0.bias", 2 * CHANNELS, 1)
        y = F.glu(F.linear(y, linear, bias.squeeze(1)), -1)
        norm = [parameter(f"backbone.norms.{i}.{what}", CHANNELS) for what in ("weight", "bias")]
        x = F.layer_norm(x + y, (CHANNELS,), *norm)
    return x


signals = torch.tensor(deterministic("input", (CROPS, LEADS, SAMPLES)).astype(np.float32).astype(np.float64))
encoding = encode(signals)
predicted = F.linear(context(encoding), parameter("prediction_heads.projection.weight", CHANNELS, CHANNELS))
length = encoding.shape[1]
generator = np.random.default_rng(1)
negatives, losses, right = [], [], []
for crop in range(CROPS):
    negatives.append([])
    losses.append(0)
    right.append([])
    for t in range(length - STEPS):
        others = [i for i in range(length) if i != t + STEPS]
        drawn = generator.choice(others, NEGATIVES).tolist()
        negatives[-1].append(drawn)
        scores = torch.stack([predicted[crop, t] @ encoding[crop, i] for i in [t + STEPS] + drawn])
        losses[-1] = losses[-1] + F.cross_entropy(scores[None], torch.zeros(1, dtype=torch.int64))
        right[-1].append(float(scores[0] > scores[1:].max()))  # a tie is not right
(sum(losses) / CROPS).backward()
number = lambda x: float(f"{torch.as_tensor(x).item():.9g}")  # noqa: E731
results = {
    "parameters": sum(x.numel() for x in state.values()),
    "negatives": negatives,
    "loss": [number(x) for x in losses],
    "accuracy": [number(np.mean(x)) for x in right],
    "gradient_l2_norm": {name: number(x.grad.norm()) for name, x in state.items()},
}
with open(sys.argv[1], "w") as file:
    file.write("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in results.items()) + "\n}\n")
