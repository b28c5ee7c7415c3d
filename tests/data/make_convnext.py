#!/usr/bin/env python3
"""Writes convnext.json, which tests/parity/parity_test.cc reads: ConvNeXt as published, on weights that are functions
of their names.

    git clone https://github.com/facebookresearch/ConvNeXt
    pip install torch torchvision numpy timm==0.4.12
    python3 tests/data/make_convnext.py ConvNeXt tests/data/convnext.json

The published code is for images. Here all rows of an image are the same signals, and of each kernel only one row is not
0: the middle one of a depthwise convolution, and the first one of a convolution with a stride.
"""

import os
import sys

from parity_json import write

sys.path.insert(0, os.path.join(sys.argv[1], "models"))
from convnext import ConvNeXt  # noqa: E402

ROWS = 32  # the total stride

network = ConvNeXt(in_chans=12, num_classes=71, depths=[3, 3, 9, 3], dims=[32, 64, 128, 256]).double()


def forward(signals):
    return network(signals.unsqueeze(2).expand(-1, -1, ROWS, -1))


def row_of(name):
    def row(tensor):
        if tensor.dim() < 4:
            return tensor
        return tensor[:, :, tensor.shape[2] // 2 if "dwconv" in name else 0]

    return row


tensors = [([name], tensor, row_of(name)) for name, tensor in network.named_parameters()]
write(sys.argv[2], "convnext1d_tiny_w32", network, forward, tensors, length=250)
