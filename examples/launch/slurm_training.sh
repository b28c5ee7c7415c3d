#!/usr/bin/env bash
# One training on two nodes with four GPUs each. On every node the records are in $ECG_PTBXL_DIR; the run's folder is on
# a file system that the nodes share, so that a job which is requeued continues from its last checkpoint.
#
#   sbatch examples/launch/slurm_training.sh
#
#SBATCH --job-name=resnet18_all
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=8
#SBATCH --time=12:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail

# The processes meet on the first node of the step. Jobs that share a node need different ports.
export MASTER_PORT=$((20000 + SLURM_JOB_ID % 20000))

srun bazel-bin/examples/resnet18_all --device=cuda --output_dir="runs/resnet18_all/job-$SLURM_JOB_ID" --resume_or_begin \
  --set=training.data_parallel.batch_of=EACH_PROCESS --set=training.data_parallel.learning_rate_rule=SQUARE_ROOT
