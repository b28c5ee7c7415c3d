#!/usr/bin/env python3
"""Writes xse_resnet.json, which tests/parity/parity_test.cc reads: XResNet with squeeze-and-excitation, built of
fastai's blocks in the form that the PTB-XL benchmark gives to XResNet, on weights that are functions of their names.

    pip install torch numpy fastai
    python3 tests/data/make_xse_resnet.py tests/data/xse_resnet.json

fastai's squeeze-and-excitation pools images, so signals are images of height 1, and of each kernel only the middle row
is not 0.
"""

import sys

import torch
from fastai.layers import ConvLayer, ResBlock
from torch import nn

from parity_json import write

KERNEL, WIDTH, EXPANSION, BLOCKS, CLASSES = 5, 64, 4, (3, 4, 6, 3), 71

widths = [12, 32, 32, 64]
stem = [ConvLayer(widths[i], widths[i + 1], ks=KERNEL, stride=2 if i == 0 else 1) for i in range(3)]
stages = []
for stage, blocks in enumerate(BLOCKS):
    layers = []
    for block in range(blocks):
        inputs = WIDTH // EXPANSION if stage + block == 0 else WIDTH
        stride = 2 if stage > 0 and block == 0 else 1
        layers.append(ResBlock(EXPANSION, inputs, WIDTH, stride=stride, reduction=16, ks=KERNEL))
    stages.append(nn.Sequential(*layers))
features = 2 * WIDTH * EXPANSION
head = nn.Sequential(
    nn.Identity(),
    nn.Identity(),
    nn.BatchNorm1d(features),
    nn.Dropout(0.25),
    nn.Linear(features, 128),
    nn.ReLU(),
    nn.BatchNorm1d(128),
    nn.Dropout(0.5),
    nn.Linear(128, CLASSES),
)
network = nn.Sequential(*stem, nn.MaxPool2d(3, stride=2, padding=1), *stages, head).double()


def forward(signals):
    x = signals.unsqueeze(2)
    for layer in network[:-1]:
        x = layer(x)
    x = x.squeeze(2)
    return head(torch.cat([x.amax(-1), x.mean(-1)], 1))


def names_of(name):
    """Our names of fastai's tensor `name`."""
    squeeze = f".convpath.{3 if EXPANSION == 4 else 2}.layers."
    if squeeze in name:
        return [name.replace(f"{squeeze}1.0.", ".se_module.fc1.").replace(f"{squeeze}2.0.", ".se_module.fc2.")]
    if ".convpath." in name:
        return [name.replace(".convpath.", ".convpath.0."), name.replace(".convpath.", ".convs.")]
    return [name]


def middle_row(tensor):
    return tensor[:, :, tensor.shape[2] // 2] if tensor.dim() == 4 else tensor


tensors = list(network.named_parameters()) + list(network.named_buffers())
write(sys.argv[1], "xse_resnet1d50", network, forward, [(names_of(n), t, middle_row) for n, t in tensors], length=250)
