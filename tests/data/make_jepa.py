#!/usr/bin/env python3
"""Writes vision_transformer.json, which tests/parity/parity_test.cc reads, and joint_embedding.json, which
tests/model/joint_embedding_head_test.cc reads: the vision transformer and the joint-embedding prediction as published,
on weights that are functions of their names (ecg/parity/deterministic.h) and on given patches.

    git clone https://github.com/kweimann/ECG-JEPA
    pip install torch numpy pyyaml
    python3 tests/data/make_jepa.py ECG-JEPA tests/data
"""

import dataclasses
import itertools
import json
import os
import sys

import torch

from parity_json import deterministic, weight, write

checkout, folder = sys.argv[1:]
sys.path.insert(0, checkout)
import configs  # noqa: E402
from models import JEPA, ViTClassifier, VisionTransformer  # noqa: E402

published = configs.pretrain.Config(
    **configs.load_config_file(os.path.join(checkout, "configs/pretrain/ViTXS_ptbxl.yaml"))
)

# The network for classification, at 100 Hz.
encoder = VisionTransformer(
    dataclasses.replace(published, channel_size=250), keep_registers=True, use_sdp_kernel=False
)
tuning = configs.load_config_file(os.path.join(checkout, "configs/eval/finetune.yaml"))
network = ViTClassifier(encoder, configs.eval.Config(**tuning, num_classes=71), use_sdp_kernel=False).double()
tensors = [
    ([name.removeprefix("encoder.")], tensor, lambda tensor: tensor) for name, tensor in network.named_parameters()
]
write(os.path.join(folder, "vision_transformer.json"), "vit1d_xs", network, network, tensors, length=250)

# A small one for pre-training, whose teacher keeps its weights.
PATCHES, VISIBLE = 20, [[0, 1, 2, 13, 19], [4, 5, 6, 7, 12]]
small = dataclasses.replace(
    published, channel_size=5 * PATCHES, patch_size=5, dim=16, depth=2, num_heads=2, pred_dim=8, pred_depth=2,
    pred_num_heads=2, num_registers=2,
)  # fmt: skip
pretraining = JEPA(small, momentum_schedule=itertools.repeat(1.0), use_sdp_kernel=False).double()
PARTS = {"encoder": "backbone", "target_encoder": "teacher", "predictor": "predictor"}
ours = {}
for name, tensor in pretraining.named_parameters():
    part, rest = name.split(".", 1)
    ours[f"{PARTS[part]}.{rest}"] = tensor
with torch.no_grad():
    for name, tensor in ours.items():
        tensor.copy_(weight(name, tensor.shape))
signals = torch.tensor(deterministic("input", (2, 12, 5 * PATCHES)).astype("float32")).double()
hidden = [[patch for patch in range(PATCHES) if patch not in row] for row in VISIBLE]
losses = []
for crop in range(2):
    one = slice(crop, crop + 1)
    losses.append(pretraining(signals[one], torch.tensor(VISIBLE)[one], torch.tensor(hidden)[one]).item())
loss = pretraining(signals, torch.tensor(VISIBLE), torch.tensor(hidden))
loss.backward()
results = {
    "visible": VISIBLE,
    "hidden": hidden,
    "loss": [float(f"{x:.9g}") for x in losses],
    "gradient_l2_norm": {
        name: float(f"{tensor.grad.norm().item():.9g}") for name, tensor in ours.items() if tensor.requires_grad
    },
}
with open(os.path.join(folder, "joint_embedding.json"), "w") as file:
    file.write("{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in results.items()) + "\n}\n")
