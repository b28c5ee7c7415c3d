"""Trains ResNet-18 with a checkout of seitalab/dnn_ecg_comparison, for bench/equivalence.sh.

    equivalence.py DIR DATA WORK prepare              reads DATA, a folder laid out as PTB-XL, at 100 Hz
    equivalence.py DIR DATA WORK train SEED EPOCHS    trains, and prints the macro ROC-AUC of the last weights
    equivalence.py TABLE                              reads lines "SEED OURS REFERENCE", and prints the comparison

Needs torch, torchvision, pandas, scikit-learn, tqdm and wfdb. Training and evaluation are the reference's own classes
and settings; bench/reference_job.py says which workarounds connect its steps. Three more are made here:

- the seed, which the reference fixes at 0 where it imports its modules, is set once more before the network is made;
- the number of classes is that of the data, since a part of PTB-XL has fewer than 71;
- the score is the mean over the classes that have a positive and a negative test record, where the reference's stops.
"""

import math
import os
import statistics
import sys

import reference_job


def train(seed, epochs):
    import config
    import numpy
    import torch
    from codes.functions.train_model import ModelTrainer
    from codes.supports import utils
    from execute_clf_multilabel import MultiLabelClfExecuter
    from execute_train import TrainExecuter
    from sklearn.metrics import roc_auc_score

    reference_job.load_numbers()
    config.freq = 100
    folder = os.path.join(config.data_root, config.dirname_ptbxl, "all", "val-9_test-10")
    config.num_classes_multilabel["all"] = numpy.load(folder + "/y_train.npy", allow_pickle=True).shape[1]
    settings = MultiLabelClfExecuter("resnet1d-18", "cpu")._prepare_params("all", 1, 64, 1e-3)
    config.save_dir += f"/{seed}"
    executer = TrainExecuter(settings)
    torch.manual_seed(seed)
    numpy.random.seed(seed)
    trainer: ModelTrainer = executer.trainer
    trainer.set_model(executer._prepare_model())
    trainer.set_optimizer(settings.lr)
    trainer.set_lossfunc()
    loader = executer._prepare_dataloader("train", is_train=True)
    for _ in range(epochs):
        trainer._train(loader)

    trainer.model.eval()
    targets, logits = [], []
    with torch.no_grad():
        for x, y in executer._prepare_dataloader("test"):
            logits.append(utils.aggregator(trainer.model, x.float()).numpy())
            targets.append(y.numpy())
    targets, logits = numpy.concatenate(targets), numpy.concatenate(logits)
    scored = [c for c in range(targets.shape[1]) if 0 < targets[:, c].sum() < len(targets)]
    print("score", numpy.mean([roc_auc_score(targets[:, c], logits[:, c]) for c in scored]), len(scored))


def compare(table):
    from scipy.stats import t

    rows = [[float(cell) for cell in line.split()] for line in open(table)]
    ours, theirs = [row[1] for row in rows], [row[2] for row in rows]
    print("seed    ours  reference")
    for row in rows:
        print(f"{row[0]:4.0f}  {row[1]:.4f}     {row[2]:.4f}")
    print(f"mean  {statistics.mean(ours):.4f}     {statistics.mean(theirs):.4f}")
    print(f"sd    {statistics.stdev(ours):.4f}     {statistics.stdev(theirs):.4f}")
    # Welch's interval: the two have no random number in common, so a seed makes no pair.
    variances = [statistics.variance(scores) / len(scores) for scores in (ours, theirs)]
    error = math.sqrt(sum(variances))
    freedom = sum(variances) ** 2 / sum(v**2 / (len(rows) - 1) for v in variances)
    difference, margin = statistics.mean(ours) - statistics.mean(theirs), t.ppf(0.975, freedom) * error
    print(f"ours - reference: {difference:+.4f}, 95% interval {difference - margin:+.4f} to {difference + margin:+.4f}")


def main(arguments):
    if len(arguments) == 1:
        return compare(arguments[0])
    reference, data, work, step = arguments[:4]
    reference_job.configure(reference, work)
    if step == "prepare":
        reference_job.prepare(data, work, sampling_frequency_hz=100)
    else:
        train(*map(int, arguments[4:]))


if __name__ == "__main__":
    main(sys.argv[1:])
