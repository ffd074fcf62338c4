"""Measures what this project does on a GPU; gpu_check.sh runs it.

Each part runs in its own process with a time limit, so that no part takes memory or time from another.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

PARTS = {  # time limit in seconds
    "attention": 60,
    "steps_qwen2": 110,
    "steps_mistral": 190,
    "resume": 120,
    "quickstart": 300,
}
LIMIT = 525  # seconds for all parts together, under 9 minutes
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
    """Run one part; return one line that says why it failed, or an empty string."""
    command = [sys.executable, str(Path(__file__).with_name("gpu_parts.py")), part, *["--tiny"] * tiny]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        errors = running.communicate(timeout=max(1, seconds))[1]
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, 9)  # including the processes that it started
        running.communicate()
        return f"stopped after {seconds:.0f} s"
    if running.returncode:
        return f"failed: {(errors.strip().splitlines() or ['no error message'])[-1][:300]}"
    return ""


def main() -> int:
    """Run all parts; the exit code is the number of parts that failed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--tiny", action="store_true", help="use miniature models, on any machine")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    arguments = parser.parse_args()

    if missing := [name for name in NEEDS if importlib.util.find_spec(name) is None]:
        print(f"error: not installed: {', '.join(missing)}")
        return 2
    import torch

    if not arguments.tiny and not torch.cuda.is_available():
        print("error: torch finds no GPU; --tiny runs a miniature without one")
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
    print(f"\n{time.perf_counter() - began:.0f} s in total; parts that failed: {failed}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
