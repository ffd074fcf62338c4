"""Measures what this project does on a GPU: see gpu_check.sh, which calls it.

Each part runs in a process of its own, with a time limit, so that none takes another's memory or time.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

PARTS = {  # seconds at most
    "attention": 60,
    "steps_qwen2": 110,
    "steps_mistral": 190,
    "resume": 120,
    "quickstart": 300,
}
LIMIT = 525  # of all parts, below the 9 minutes
NEEDS = [
    "torch",
    "transformers",
    "sentence_transformers",
    "peft",
    "accelerate",
    "datasets",
    "pandas",
    "pyarrow",
]


def run_part(part: str, seconds: float, tiny: bool) -> str:
    """Run one part and return in one line why it did not end, or nothing."""
    command = [sys.executable, str(Path(__file__).with_name("gpu_parts.py")), part, *["--tiny"] * tiny]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        said = running.communicate(timeout=max(1, seconds))[1]
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, 9)  # with what it has begun
        running.communicate()
        return f"stopped after {seconds:.0f} s"
    if running.returncode:
        return f"failed: {(said.strip().splitlines() or ['without a word'])[-1][:300]}"
    return ""


def main() -> int:
    """Run all parts; the exit code tells how many failed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--tiny", action="store_true", help="miniature models, on any machine")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    arguments = parser.parse_args()

    if missing := [name for name in NEEDS if importlib.util.find_spec(name) is None]:
        print(f"error: not installed: {', '.join(missing)}")
        return 2
    import torch

    if not arguments.tiny and not torch.cuda.is_available():
        print("error: torch sees no GPU; --tiny runs a miniature without one")
        return 2
    from measure import hardware

    print(f"# GPU check\n\n{hardware()}{', in miniature' if arguments.tiny else ''}")
    began, failed = time.perf_counter(), 0
    for part in arguments.parts:
        started = time.perf_counter()
        left = LIMIT - (started - began)
        limit = left if arguments.tiny else min(PARTS[part], left)
        print(f"\n## {part.replace('_', ', ')}\n", flush=True)
        if problem := run_part(part, limit, arguments.tiny):
            failed += 1
            print(f"\n{part}: {problem}")
        print(f"\n{time.perf_counter() - started:.0f} s")
    print(f"\n{time.perf_counter() - began:.0f} s in all, {failed} parts failed")
    return failed


if __name__ == "__main__":
    sys.exit(main())
