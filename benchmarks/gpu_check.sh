#!/usr/bin/env bash
# What this project does on a GPU, measured in one call of under 9 minutes, without network:
#
#     benchmarks/gpu_check.sh | tee benchmarks/gpu_check.md       # on a machine with a GPU
#     benchmarks/gpu_check.sh --tiny                              # the same in miniature, on any machine
#
# Needs torch, transformers, sentence-transformers, peft, accelerate, datasets, pandas and pyarrow; for the
# quickstart also what requirements.lock names. What is missing is said, and left out. PYTHON chooses the Python.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${PYTHON:-}" ]; then
    PYTHON=$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)
fi
export PYTHONPATH=workflow HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false PYTHONUNBUFFERED=1
exec timeout --kill-after=5 535 "$PYTHON" benchmarks/gpu_check.py "$@"
