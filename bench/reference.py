"""Times the network in a checkout of seitalab/dnn_ecg_comparison, for bench/compare.sh.

    reference.py DIR training THREADS [fp32|bf16]   crops per second of a training step, batch 64
    reference.py DIR evaluation THREADS             windows per second, one record (8 windows) at a time, as shipped
    reference.py DIR batches THREADS                windows per second, 64 windows at a time

Needs Debian's python3-torch. Prints one number.
"""

import contextlib
import sys
import time

import torch

LEADS, SAMPLES, CLASSES, BATCH, WINDOWS = 12, 1250, 71, 64, 8


def network(directory):
    sys.path.insert(0, directory + "/experiment")
    from codes.architectures.head_module import Classifier, HeadModule
    from codes.architectures.resnet1d import resnet1d18

    torch.manual_seed(1)
    return Classifier(resnet1d18(backbone_out_dim=256, num_lead=LEADS), HeadModule(256, CLASSES))


def rate(items, seconds, work):
    """Items per second of work(), which processes `items`, over at least `seconds` after a warm-up run."""
    work()
    start, runs = time.monotonic(), 0
    while time.monotonic() - start < seconds:
        work()
        runs += 1
    return items * runs / (time.monotonic() - start)


def training(model, precision):
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss_of = torch.nn.BCEWithLogitsLoss(reduction="sum")
    signals, targets = torch.randn(BATCH, LEADS, SAMPLES), (torch.rand(BATCH, CLASSES) > 0.95).float()
    autocast = torch.autocast("cpu", torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()

    def step():
        optimizer.zero_grad()
        with autocast:
            logits = model(signals)
        loss_of(logits.float(), targets).backward()
        optimizer.step()

    return rate(BATCH, 8, step)


def evaluation(model, batch):
    model.eval()
    windows = torch.randn(batch, LEADS, SAMPLES)
    with torch.no_grad():
        return rate(batch, 8, lambda: model(windows))


def main(directory, what, threads, precision="fp32"):
    torch.set_num_threads(int(threads))
    model = network(directory)
    if what == "training":
        print(training(model, precision))
    else:
        print(evaluation(model, {"evaluation": WINDOWS, "batches": BATCH}[what]))


if __name__ == "__main__":
    main(*sys.argv[1:])
