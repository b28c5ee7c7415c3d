"""Weights and signals that are functions of their names (ecg/parity/deterministic.h), and the file that
tests/parity/parity_test.cc compares with: number of parameters, state, logits, loss and norms of the gradients.
"""

import json
import zlib

import numpy as np
import torch


def deterministic(name, shape):
    state = np.uint64(zlib.crc32(name.encode()) << 32) + np.arange(np.prod(shape, dtype=int), dtype=np.uint64)
    z = state + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(11)) * 2.0**-53 * 2 - 1).reshape(shape)


def weight(name, shape):
    if name.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.int64)
    u = deterministic(name, shape)
    if name.endswith("running_var"):
        u = 1 + 0.1 * u
    elif name.endswith("running_mean"):
        u = 0.1 * u
    elif len(shape) >= 2:
        u = u * np.sqrt(3 / (u.size / shape[0]))
    else:
        u = 1 + 0.1 * u if name.endswith("weight") else 0.1 * u
    return torch.tensor(u.astype(np.float32))


def write(path, model, network, forward, tensors, length):
    """Writes what `network` returns for a batch of two records of `length` samples.

    `tensors` are (names, tensor, part): the names that a tensor has here, of which the first gives its values, and the
    part of it that has them, in the shape of ours; the rest of the tensor is 0. They are in float64 already: a network
    that is converted has other buffers afterwards.
    """
    assert all(t.dtype in (torch.float64, torch.int64) for _, t, _ in tensors)
    network.eval()
    with torch.no_grad():
        for names, tensor, part in tensors:
            tensor.zero_()
            part(tensor).copy_(weight(names[0], part(tensor).shape))
    signals = torch.tensor(deterministic("input", (2, 12, length)).astype(np.float32)).double()
    targets = torch.tensor(deterministic("input.target", (2, 71)) > 0.9).double()
    logits = forward(signals)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="sum")
    loss.backward()
    number = lambda x: float(f"{x:.9g}")  # noqa: E731
    state, norms, parameters = [], {}, 0
    for names, tensor, part in tensors:
        state += [[name, list(part(tensor).shape)] for name in names]
        if tensor.requires_grad:
            # The other elements are 0 and have gradients, too.
            norms[names[-1]] = number(part(tensor.grad).norm())
            parameters += part(tensor).numel()
    results = {
        "parameters": parameters,
        "state": state,
        "logits": [[number(x) for x in row] for row in logits.tolist()],
        "loss": number(loss.item()),
        "gradient_l2_norm": norms,
    }
    with open(path, "w") as file:
        file.write(f'{{"input_name": "input", "length": {length}, "models": {{"{model}": {{\n')
        file.write(",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in results.items()))
        file.write("\n}}}\n")
