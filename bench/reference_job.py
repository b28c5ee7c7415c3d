"""Runs one of the three steps of a checkout of seitalab/dnn_ecg_comparison, for bench/compare.sh.

    reference_job.py DIR WFDB DATA WORK prepare    reads DATA, a folder laid out as PTB-XL, for task `all`, split 1
    reference_job.py DIR WFDB DATA WORK train      trains its ResNet-18 for 5 epochs, and validates it once
    reference_job.py DIR WFDB DATA WORK evaluate   validates and tests it, with 100 resamples

WFDB is a checkout of MIT-LCP/wfdb-python; all output goes to WORK. Needs Debian's python3-torch,
python3-torchvision, python3-pandas, python3-sklearn, python3-tqdm, python3-soundfile and python3-requests.

Each step runs the reference's own classes with its own settings. It does not set the number of threads, and loads
batches in the training thread, so LibTorch uses its default number of threads, or $OMP_NUM_THREADS. As shipped, the
steps do not fit together. These workarounds connect them, and cost no avoidable time:

- preparation needs a folder named `ptbxl`, but omits the slash at the end of its path: it gets PTBXL/raw/ptbxl/, where
  the reference's get_dataset.sh puts the files, as links to DATA, because it also writes there;
- preparation writes below config.data_root and training reads below config.root: both are WORK;
- preparation saves arrays of Python objects, which torch.from_numpy refuses: they are converted to float when loaded,
  as in the reference's G12ECDataset;
- the batch size and learning rate come from a grid search whose results are not shipped, and the folder to test
  from a module that is not: they are 64 and 0.001, as in hyperparams.py, and the folder that training made;
- tensorboardX, which Debian does not package, is a stub.
"""

import glob
import os
import sys
import types


def prepare(data, work, sampling_frequency_hz=500):
    raw = work + "/PTBXL/raw/ptbxl/"
    os.makedirs(raw)
    for name in os.listdir(data):
        os.symlink(os.path.abspath(os.path.join(data, name)), raw + name)

    from ptbxl import DataPreparator

    preparator = DataPreparator("all", min_samples=0, sampling_frequency=sampling_frequency_hz, split_number=1)
    preparator.load_dir = raw
    preparator.prepare()


def load_numbers():
    from codes.data.dataset import PTBXLDataset

    load = PTBXLDataset._load_data

    def load_as_float(self, datatype):
        signals, labels = load(self, datatype)
        return signals.astype(float), labels

    PTBXLDataset._load_data = load_as_float


def train():
    from execute_clf_multilabel import MultiLabelClfExecuter
    from execute_train import TrainExecuter

    load_numbers()
    settings = MultiLabelClfExecuter("resnet1d-18", "cpu")._prepare_params("all", 1, 64, 1e-3)
    TrainExecuter(settings).run()


def evaluate(work):
    from execute_eval import EvalExecuter

    load_numbers()
    (trained,) = glob.glob(work + "/result/model/*/*")
    EvalExecuter(trained, "cpu").run()


def configure(reference, work):
    """Makes the reference's modules importable, and sets its folders to `work`."""
    sys.dont_write_bytecode = True  # leave the checkouts unchanged
    sys.path[:0] = [reference, reference + "/preparation", reference + "/experiment"]
    writer = type("SummaryWriter", (), {"__init__": lambda *_: None, "add_scalar": lambda *_: None})
    sys.modules["tensorboardX"] = types.SimpleNamespace(SummaryWriter=writer)

    import config

    config.root = config.data_root = work
    config.save_dir = work + "/result"


def main(reference, wfdb, data, work, step):
    sys.path.insert(0, wfdb)
    configure(reference, work)
    {"prepare": lambda: prepare(data, work), "train": train, "evaluate": lambda: evaluate(work)}[step]()


if __name__ == "__main__":
    main(*sys.argv[1:])
