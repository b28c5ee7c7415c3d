#!/usr/bin/env python3
"""Writes state_dict.pth, the file that tests/file/pth_test.cc reads, with PyTorch (Debian's python3-torch will do):

    python3 tests/data/make_state_dict.py tests/data/state_dict.pth

Element k of every tensor, in C order, is k, plus a quarter where its type has fractions: so the test need not repeat
the numbers.
"""

import collections
import sys

import torch


def counting(dtype, *shape):
    numbers = torch.arange(torch.Size(shape).numel(), dtype=torch.float64).reshape(shape)
    return (numbers + 0.25 * dtype.is_floating_point).to(dtype)


module = torch.nn.Sequential(
    collections.OrderedDict(conv=torch.nn.Conv1d(2, 3, 5), bn=torch.nn.BatchNorm1d(3), fc=torch.nn.Linear(3, 2))
)
state = module.state_dict()  # has the attribute _metadata
for tensor in state.values():
    tensor.copy_(counting(tensor.dtype, *tensor.shape))

state["fc.transposed"] = counting(torch.float32, 3, 4).t()
state["fc.column"] = torch.stack([torch.full((4,), -1.0), counting(torch.float32, 4)], dim=1)[:, 1]
state["fc.tied"] = state["fc.weight"]  # the same storage
state["fc.repeated"] = torch.full((1,), 0.25).expand(2, 3)
state["fc.empty"] = torch.zeros(0, 3)
state["fc.parameter"] = torch.nn.Parameter(counting(torch.float32, 2))
for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.int32, torch.int16, torch.int8, torch.uint8):
    state[str(dtype).replace("torch.", "type.")] = counting(dtype, 3)
state["type.bool"] = torch.tensor([False, True])
torch.save(state, sys.argv[1])
