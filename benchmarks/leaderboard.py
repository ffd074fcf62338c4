"""Measures the statistics stage on published scores: the commands of its rules, and the slow parts.

The goals are for CPU time, which does not depend on what else runs on the machine.

python benchmarks/leaderboard.py [--repeats 3]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from itertools import combinations
from pathlib import Path

import baycomp
import pandas as pd
from measure import hardware, medians, print_table
from scipy import stats

from embedding_designs.common.score_files import write_scores
from embedding_designs.comparison.statistics import equivalence, pairwise
from embedding_designs.scores.score_table import COLUMNS
from embedding_designs.study.benchmarks import TABLE
from embedding_designs.study.study import load_study

PUBLISHED = Path("resources/published/mteb-english-scores.csv.gz")
GOALS = {20: 15, 183: 40}  # number of models: seconds of CPU time; 183 are all complete ones
ROPE = 0.01


def published(n_models: int) -> pd.DataFrame:
    """Return the scores of n_models models with a score on every task of MTEB(eng, v2): tasks x models."""
    tasks = pd.read_csv(TABLE)
    tasks = tasks.loc[tasks["benchmarks"].str.contains("MTEB(eng, v2)", regex=False), "task"]
    complete = pd.read_csv(PUBLISHED, index_col="model_name")[tasks].dropna()
    return complete.iloc[:: max(1, len(complete) // n_models)].iloc[:n_models].T


def as_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Return scores in the form of scores.csv, with the category of each task."""
    category = pd.read_csv(TABLE).set_index("task")["category"]
    long = scores.rename_axis("task").melt(ignore_index=False, var_name="design", value_name="score")
    constant = {
        "base": "pool",
        "pooling": "unknown",
        "attention": "unknown",
        "seed": 0,
        "metric": "main_score",
    }
    long = long.reset_index().assign(**constant)
    return long.assign(category=long["task"].map(category))[COLUMNS]


def run(folder: Path, module: str, *arguments: str) -> None:
    """Run one command of the statistics stage in a separate process."""
    command = [sys.executable, "-m", f"embedding_designs.{module}", *arguments]
    environment = os.environ | {"PYTHONPATH": str(Path("workflow").resolve())}
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)


def cpu_seconds(command: Callable[[], None]) -> float:
    """Return the CPU time of the processes that a command starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def prepare(folder: Path, n_models: int) -> None:
    """Write the scores of n_models models, and the study."""
    (folder / "configs").mkdir(parents=True)
    study = load_study("config/studies/leaderboard.yaml")
    del study["statistics"]["control"]
    (folder / "configs/study.json").write_text(json.dumps(study))
    write_scores(as_table(published(n_models)), folder / "scores.csv")


def stage(folder: Path) -> dict[str, partial]:
    """Return the commands of the stage by the names of their rules."""
    compare = [
        "scores.csv",
        "--study",
        "configs/study.json",
        "--output",
        "statistics.json",
        "--tables",
        "tables",
    ]
    draw = ["--statistics", "statistics.json", "--scores", "scores.csv", "--output", "figures"]
    return {
        "compare_designs": partial(run, folder, "comparison.compare_designs", *compare),
        "draw_figures": partial(run, folder, "reporting.draw_figures", *draw),
        "write_findings": partial(run, folder, "reporting.write_findings", ".", "--output", "findings.html"),
    }


def slow_parts(scores: pd.DataFrame) -> dict[str, tuple[partial, partial]]:
    """Return the baseline implementation and ours, by name."""
    pairs = list(combinations(scores.columns, 2))

    def scipy_pair_by_pair() -> None:
        for first, second in pairs:
            stats.wilcoxon((scores[first] - scores[second]).round(6), zero_method="zsplit")

    def baycomp_pair_by_pair() -> None:  # only a tenth of the pairs, because it is slow
        for first, second in pairs[::10]:
            baycomp.SignedRankTest.probs(scores[first].to_numpy(), scores[second].to_numpy(), ROPE)

    few = scores.iloc[:, :20]
    return {
        "Wilcoxon, SciPy pair by pair": (scipy_pair_by_pair, partial(pairwise.wilcoxon, scores, 0.05)),
        "Bayesian signed-rank, baycomp, a tenth of the pairs": (
            baycomp_pair_by_pair, partial(equivalence.equivalence, few, ROPE)
        ),
    }  # fmt: skip


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    print(hardware(), end="\n\n")
    rows = []
    with tempfile.TemporaryDirectory() as work:
        for n_models, goal in GOALS.items():
            folder = Path(work) / f"models{n_models}"
            prepare(folder, n_models)
            commands = stage(folder)
            seconds = medians(commands, arguments.repeats)
            cpu = sum(map(cpu_seconds, commands.values()))
            rows.append([
                f"{n_models} x 41", *(f"{took:.1f}" for took in seconds.values()),
                f"{sum(seconds.values()):.1f}", f"{cpu:.1f}", goal,
            ])  # fmt: skip
    columns = [f"{name} s" for name in seconds]
    print_table(["models x tasks", *columns, "together s", "CPU s", "goal, CPU s"], rows)
    print()
    rows = []
    for name, (plain, ours) in slow_parts(published(20)).items():
        seconds = medians({"plain": plain, "ours": ours}, arguments.repeats)
        ratio = seconds["plain"] / seconds["ours"]
        rows.append([name, f"{seconds['plain']:.2f}", f"{seconds['ours']:.2f}", f"{ratio:.1f}x"])
    print_table(["20 models x 41 tasks, baseline", "baseline s", "ours s", "faster"], rows)


if __name__ == "__main__":
    main()
