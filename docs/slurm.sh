#!/bin/bash
# The experiments as a SLURM job, one Ray node per machine: sbatch docs/slurm.sh, from the project's folder.
# Lines that say EDIT are yours to change. docs/cluster.md says what to expect.
#SBATCH --job-name=orchestrator
#SBATCH --nodes=4                    # EDIT
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive                  # one Ray to a machine
#SBATCH --cpus-per-task=16           # EDIT
#SBATCH --mem-per-cpu=2G
#SBATCH --time=08:00:00              # EDIT a job that runs out of time goes on where it was, with the same sbatch
set -euo pipefail

source .venv/bin/activate            # EDIT the environment of requirements.lock, on a file system that all nodes see
out=$PWD/results                     # EDIT likewise

# A secret for this job alone: SLURM gives it to every node, and other users of the nodes can't read it.
RAY_AUTH_TOKEN=$(python -c "import secrets; print(secrets.token_hex(32))")
export RAY_AUTH_TOKEN RAY_AUTH_MODE=token
export RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=300  # seconds; importing Ray from a shared file system takes a while

head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
address=$head:$((20000 + SLURM_JOB_ID % 10000))

srun ray symmetric-run --address "$address" --min-nodes "$SLURM_JOB_NUM_NODES" --num-cpus "$SLURM_CPUS_PER_TASK" -- \
    python -m orchestrator run all --seeds 30 --out "$out" --address "$address"
