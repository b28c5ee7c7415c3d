#!/usr/bin/env bash
# A sweep that eight tasks of an array share: each takes the next run that no other has claimed, until none is left.
# Tasks may be added, killed and started again at any time. The folder is on a file system that the nodes share. Flags of
# the sweep may follow; options of sbatch come before.
#
#   sbatch examples/launch/slurm_sweep.sh
#   sbatch --gpus=0 --array=0-3 examples/launch/slurm_sweep.sh --device=cpu --demo_records=1000
#
# The paper's other sweeps start from what this one selects: --settings=runs/grid_resnet18/job-ID/chosen.textproto.
#
#SBATCH --job-name=grid_resnet18
#SBATCH --array=0-7
#SBATCH --ntasks=1
#SBATCH --gpus=1
#SBATCH --cpus-per-task=8
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail

# A flag --device goes before runtime.device.
bazel-bin/examples/grid_resnet18 --set=runtime.device=cuda \
  --output_dir="runs/grid_resnet18/job-$SLURM_ARRAY_JOB_ID" "$@"
