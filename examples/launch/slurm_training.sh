#!/usr/bin/env bash
# One training on two nodes with four GPUs each. On every node the records are in $ECG_PTBXL_DIR; the run's folder is on
# a file system that the nodes share, so that a job which is requeued continues from its last checkpoint. Flags of the
# experiment may follow; options of sbatch come before.
#
#   sbatch examples/launch/slurm_training.sh
#   sbatch --gpus-per-node=0 --ntasks-per-node=1 examples/launch/slurm_training.sh --device=cpu --demo_records=1000
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

# Since Slurm 22.05, srun must be told the processors of a task again. Where one process ends at once, the others would
# wait for it for half an hour; --wait ends them after a minute. A flag --device goes before runtime.device.
srun --cpus-per-task="$SLURM_CPUS_PER_TASK" --wait=60 bazel-bin/examples/resnet18_all --set=runtime.device=cuda \
  --output_dir="runs/resnet18_all/job-$SLURM_JOB_ID" --resume_or_begin \
  --set=training.data_parallel.batch_of=EACH_PROCESS --set=training.data_parallel.learning_rate_rule=SQUARE_ROOT "$@"
