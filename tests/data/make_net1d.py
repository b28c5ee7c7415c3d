#!/usr/bin/env python3
"""Writes net1d.json, which tests/parity/parity_test.cc reads: Net1D as published, on weights that are functions of
their names.

    git clone https://github.com/hsd1503/resnet1d
    pip install torch numpy matplotlib
    python3 tests/data/make_net1d.py resnet1d tests/data/net1d.json
"""

import sys

from parity_json import write

sys.path.insert(0, sys.argv[1])
from net1d import Net1D  # noqa: E402

network = Net1D(
    in_channels=12,
    base_filters=64,
    ratio=1.0,
    filter_list=[64, 128, 128, 256, 256, 512, 512],
    m_blocks_list=[2] * 7,
    kernel_size=16,
    stride=2,
    groups_width=16,
    n_classes=71,
).double()
# The first block does not use it; it would have no gradients.
network.stage_list[0].block_list[0].bn1.requires_grad_(False)
tensors = list(network.named_parameters()) + list(network.named_buffers())
write(sys.argv[2], "net1d_44_w512", network, network, [([n], t, lambda whole: whole) for n, t in tensors], length=250)
