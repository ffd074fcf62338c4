"""Builds the results folder of a small made-up study, with all files that a findings page needs."""

import csv
import json
import random
from dataclasses import replace
from functools import cache
from pathlib import Path

import pandas as pd

from embedding_designs.comparison import compare
from embedding_designs.comparison.layer_results import write_layer_summary
from embedding_designs.comparison.layer_summary import summarize
from embedding_designs.comparison.results import Statistics
from embedding_designs.comparison.statistics_file import write_statistics
from embedding_designs.study.schema import defaults

from . import layer_examples

DESIGNS = {
    "eos-causal": ("eos", "causal"),
    "last-layer-causal": ("last_layer", "causal"),
    "multi-layer-causal": ("multi_layer", "causal"),
    "last-layer-bidirectional": ("last_layer", "bidirectional"),
    "multi-layer-bidirectional": ("multi_layer", "bidirectional"),
}
TASKS = {"Retrieval": 9, "Reranking": 6, "STS": 6, "Clustering": 1}  # a single task cannot be tested
SEEDS = [1, 2, 3]
SUITED = {
    "Retrieval": 0.03,
    "Reranking": 0.015,
    "STS": -0.01,
    "Clustering": 0.0,
}  # gain of each design over the previous one
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="480" height="160"><path id="a" d="M0 0H480"/></svg>'


def write_results(
    folder: Path,
    description: str = "A made-up study.",
    bases: tuple[str, ...] = ("mini",),
    layers: bool = False,
) -> Path:
    """Write the results of a study with five designs, three seeds, and four categories; return the folder.

    layers: whether the study analyzes layers.
    """
    study = _study(bases) | {"name": folder.name, "description": description}
    if layers:
        study["layers"] = {"tasks": 1, "numbers": "all", "tokens": "mean", "texts": 64}
    _write_json(folder / "configs/study.json", study)
    _write_csv(folder / "scores.csv", _scores(bases))
    _write_csv(folder / "baselines.csv", _baselines(bases))
    statistics = replace(_statistics(bases), study=folder.name)
    write_statistics(folder / "statistics.json", statistics)
    _write_figures(folder / "figures", statistics)
    if layers:
        _write_layers(folder, bases)
    _write_runs(folder, bases)
    _write_data_reports(folder / "data")
    return folder


def _study(bases: tuple[str, ...]) -> dict:
    return {
        "bases": {name: {"pretrain": defaults("pretrain"), "finetuning": "full"} for name in bases},
        "designs": {
            name: {"pooling": defaults("pooling", {"kind": kind}), "attention": how}
            for name, (kind, how) in DESIGNS.items()
        },
        "seeds": SEEDS,
        "training": defaults("training", {"steps": 200, "batch_size": 64, "max_seq_length": 64}),
        "evaluation": {"tasks": _tasks(), "batch_by": "category", "max_seq_length": 64},
        "statistics": {"alpha": 0.05, "control": "eos-causal"},
    }


@cache
def _statistics(bases: tuple[str, ...]) -> Statistics:
    return compare.compare_study(pd.DataFrame(_scores(bases)), _study(bases) | {"name": "made-up"})


def _tasks() -> dict[str, list[str]]:
    return {
        category: [f"Part{n}{category}" for n in range(1, count + 1)] for category, count in TASKS.items()
    }


def _task_names() -> list[tuple[str, str]]:
    return [(category, task) for category, tasks in _tasks().items() for task in tasks]


def _scores(bases: tuple[str, ...]) -> list[dict]:
    chance = random.Random(0)
    rows = []
    for base in bases:
        for category, task in _task_names():
            level = chance.uniform(0.2, 0.6)
            for place, (design, (pooling, attention)) in enumerate(DESIGNS.items()):
                for seed in SEEDS:
                    score = level + place * SUITED[category] + chance.gauss(0, 0.02)
                    rows.append({
                        "base": base, "design": design, "pooling": pooling, "attention": attention,
                        "seed": seed, "task": task, "category": category, "metric": "main_score",
                        "score": round(score, 6),
                    })  # fmt: skip
    return rows


def _baselines(bases: tuple[str, ...]) -> list[dict]:
    chance = random.Random(1)
    kinds = {"untrained-base": set(TASKS), "bm25": {"Retrieval", "Reranking"}, "lsa": set(TASKS)}
    return [
        {"base": base, "baseline": kind, "task": task, "category": category, "metric": "main_score",
         "score": round(chance.uniform(0.1, 0.3), 6)}
        for base in bases
        for kind, categories in kinds.items()
        for category, task in _task_names()
        if category in categories
    ]  # fmt: skip


def _write_figures(folder: Path, statistics: Statistics) -> None:
    folder.mkdir(parents=True)
    for comparison in statistics.comparisons:
        base = comparison.base
        for name in (
            f"cd-{base}-{comparison.category}",
            f"cd-column-{base}-All",
            f"scores-{base}",
            f"score-against-cost-{base}",
            f"training-{base}",
        ):
            (folder / f"{name}.svg").write_text(PICTURE, encoding="utf-8")


def _write_layers(folder: Path, bases: tuple[str, ...]) -> None:
    made = [analysis for base in bases for analysis in layer_examples.analyses(4, base=base)]
    write_layer_summary(folder / "layers.json", summarize(made, 0.05))
    for base in bases:
        for what in ("cka", "pearson", "scores", "reads"):
            (folder / "figures" / f"layers-{what}-{base}.svg").write_text(PICTURE, encoding="utf-8")


def _write_runs(folder: Path, bases: tuple[str, ...]) -> None:
    for base in bases:
        for place, design in enumerate(DESIGNS):
            for seed in SEEDS:
                run = f"{base}/{design}/seed{seed}"
                _write_lines(folder / "runs" / run / "training.jsonl", _training(place, seed))
                for category, tasks in TASKS.items():
                    table = folder / "benchmarks/evaluate_run" / run / f"{category}.tsv"
                    table.parent.mkdir(parents=True, exist_ok=True)
                    table.write_text(f"s\tmax_rss\n{tasks * seed}.5\t700.1\n", encoding="utf-8")


def _training(place: int, seed: int) -> list[dict]:
    loss = [
        {"event": "train", "step": step, "loss": 4 / (1 + step / 40) + place / 10, "learning_rate": 1e-4,
         "tokens_per_second": 9000, "peak_memory_mb": 900, "seconds": step / 5}
        for step in range(10, 201, 10)
    ]  # fmt: skip
    heldout = [
        {"event": "heldout", "step": step, "heldout_loss": 4.2 / (1 + step / 45) + place / 10,
         "seconds": step / 5}
        for step in range(50, 201, 50)
    ]  # fmt: skip
    summary = {
        "event": "summary", "step": 200, "steps": 200, "seconds": 30 + place + seed / 4, "tokens": 360000,
        "tokens_per_second": 9000 - 500 * place - seed, "peak_memory_mb": 900 + 10 * place,
        "parameters": 4000000 + 100000 * place, "trainable_parameters": 4000000 + 100000 * place,
        "pooling_parameters": 100000 * place, "resumed_from_step": 0,
    }  # fmt: skip
    return [*loss, *heldout, summary]


def _write_data_reports(folder: Path) -> None:
    _write_json(folder / "report.json", {
        "source": "docstrings", "seed": 0, "rows": {"train": 12345, "heldout": 256},
        "dropped": {"short": 10, "duplicate": 4321},
        "words": {"query": {"min": 2, "median": 9, "p95": 17, "max": 60, "total": 150000},
                  "positive": {"min": 8, "median": 30, "p95": 77, "max": 80, "total": 420000}},
        "train_texts_in_evaluation": 0, "sha256": "ab" * 32,
    })  # fmt: skip
    packages = {f"package{n}": {"split": "eval" if n % 3 else "train", "version": f"1.{n}", "files": 3 * n,
                                "docstrings": 111 * n} for n in range(1, 31)}  # fmt: skip
    _write_json(folder / "harvest.json", {"python": "3.12.1", "sha256": "cd" * 32, "docstrings": 1500,
                                          "dropped": {"duplicate": 7}, "packages": packages})  # fmt: skip
    (folder / "train.parquet").write_bytes(b"stands for the training triplets")


def _write_json(path: Path, content: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def _write_lines(path: Path, events: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")


def _write_csv(path: Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
