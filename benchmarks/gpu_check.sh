#!/usr/bin/env bash
# Measure what this project does on a GPU, in under 9 minutes and without network access:
#
#     benchmarks/gpu_check.sh | tee benchmarks/gpu_check.md       # on a machine with a GPU
#     benchmarks/gpu_check.sh --tiny                              # the same in miniature, on any machine
#
# Needs torch, transformers, sentence-transformers, peft, accelerate, datasets, pandas, and pyarrow. The quickstart also
# needs snakemake and the other packages in requirements.lock; without snakemake, it is skipped. PYTHON sets the
# interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${PYTHON:-}" ]; then
    PYTHON=$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)
fi
export PYTHONPATH=workflow HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false PYTHONUNBUFFERED=1
exec timeout --kill-after=5 535 "$PYTHON" benchmarks/gpu_check.py "$@"
