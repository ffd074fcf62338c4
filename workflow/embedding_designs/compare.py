"""Tests which designs differ, in each category of tasks and over all of them.

python -m embedding_designs.compare scores.csv --study study.json --output statistics.json --tables tables/
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from . import rank_statistics, sentences
from .command import BadInput, command, read_json, whole, write_json

COLUMNS = ["base", "design", "pooling", "attention", "seed", "task", "category", "metric", "score"]
CELL = ["base", "design", "seed", "task"]
NAMED = 5  # missing cells that an error names; the rest are counted


def read_scores(path: str | Path) -> pd.DataFrame:
    """Return the table of scores: one row for each base, design, seed and task.

    BadInput names file and line of a missing column, a score that is none, or a cell that stands twice.
    """
    try:
        scores = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not a CSV table: {' '.join(str(error).split())}") from None
    for problem in _problems(scores):
        raise BadInput(f"{path}{problem}")
    return scores.assign(score=scores["score"].astype(float), seed=scores["seed"].astype(int))


def _problems(scores: pd.DataFrame) -> Iterator[str]:
    for column in COLUMNS:
        if column not in scores:
            yield f": column {column} is missing; a table of scores has {', '.join(COLUMNS)}"
    if scores.empty:
        yield ": holds no scores"
    for row, seed in scores["seed"].items():
        if not seed.isdecimal():
            yield f", line {row + 2}: seed {seed!r} is no whole number"
    for row, score in pd.to_numeric(scores["score"], errors="coerce").items():
        if not -1 <= score <= 1:  # NaN as well
            yield f", line {row + 2}: score {scores['score'][row]!r} is no number from -1 to 1"
    for row in scores.index[scores.duplicated(CELL)]:
        yield f", line {row + 2}: a second score for {_cell(scores.loc[row, CELL])}"
    for task, categories in scores.groupby("task")["category"].unique().items():
        if len(categories) > 1 or categories[0] == "All":
            yield f": task {task} stands in category {' and '.join(categories)}; it needs one, and not All"


def _cell(values: Sequence[Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip(CELL, values, strict=True))


def check_complete(scores: pd.DataFrame, study: Mapping[str, Any]) -> None:
    """Raise BadInput that names the missing cells, or the designs unknown to the study.

    Nothing is imputed: each base, design and seed of the study or the table needs a score on every task.
    """
    for design in scores["design"].unique():
        if design not in study["designs"]:
            raise BadInput(
                f"scores: design {design} is not in the study; choose from {', '.join(study['designs'])}"
            )
    bases = dict.fromkeys([*study.get("bases", ()), *scores["base"]])
    seeds = dict.fromkeys([*study.get("seeds", ()), *scores["seed"]])
    expected = product(bases, study["designs"], seeds, scores["task"].unique())
    present = set(scores[CELL].itertuples(index=False, name=None))
    missing = [_cell(cell) for cell in expected if cell not in present]
    if missing:
        more = f"; and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        raise BadInput(f"scores: {len(missing)} missing: {'; '.join(missing[:NAMED])}{more}")


def compare_study(scores: pd.DataFrame, study: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of statistics.json: one comparison for each base and category, then All."""
    check_complete(scores, study)
    alpha = study.get("statistics", {}).get("alpha", 0.05)
    designs = list(study["designs"])
    baseline = study.get("statistics", {}).get("baseline", designs[0])
    comparisons = []
    for base, of_base in scores.groupby("base", sort=False):
        for category, cells in [*of_base.groupby("category", sort=False), ("All", of_base)]:
            names = {"base": base, "category": category}
            comparisons.append(names | compare_designs(cells, designs, category, alpha, baseline))
    return {
        "study": study.get("name", ""),
        "alpha": alpha,
        "baseline": baseline,
        "designs": [
            {"name": name, "pooling": design["pooling"]["kind"], "attention": design["attention"]}
            for name, design in study["designs"].items()
        ],
        "scope": sentences.scope(scores["seed"].nunique()),
        "comparisons": comparisons,
    }


def compare_designs(
    cells: pd.DataFrame, designs: list[str], category: str, alpha: float, baseline: str
) -> dict[str, Any]:
    """Return all statistics of the designs over the tasks in `cells`, one base's complete scores."""
    runs = cells.pivot(index=["task", "seed"], columns="design", values="score")[designs]
    scores = runs.groupby("task", sort=False).mean().round(rank_statistics.DECIMALS)
    n_tasks, n_designs = scores.shape
    seeds = sorted(cells["seed"].unique().tolist())
    spread = runs.groupby("seed").mean().std(ddof=1)
    ranks = rank_statistics.rank_designs(scores).mean()
    friedman = rank_statistics.friedman(scores)
    nemenyi = rank_statistics.nemenyi(scores, alpha)
    differing = [(pair["first"], pair["second"]) for pair in nemenyi["pairs"] if pair["significant"]]
    testable = friedman["p"] is not None
    order = ranks.sort_values(kind="stable").index.tolist() if testable else []
    comparison = {
        "designs": designs,
        "tasks": scores.index.tolist(),
        "seeds": seeds,
        "n_designs": n_designs,
        "n_tasks": n_tasks,
        "mean_scores": scores.mean().to_dict(),
        "seed_spread": spread.to_dict() if len(seeds) > 1 else dict.fromkeys(designs),
        "average_ranks": ranks.to_dict(),
        "friedman": friedman,
        "iman_davenport": rank_statistics.iman_davenport(friedman["chi_square"], n_tasks, n_designs),
        "nemenyi": nemenyi,
        "cliques": rank_statistics.cliques(order, differing),
        "wilcoxon": rank_statistics.wilcoxon(scores, alpha),
    }
    comparison |= _decidability(scores, category, alpha)
    return comparison | {"sentences": sentences.findings(comparison, alpha, baseline)}


def _decidability(scores: pd.DataFrame, category: str, alpha: float) -> dict[str, Any]:
    n_tasks, n_designs = scores.shape
    smallest = rank_statistics.smallest_attainable_p(n_tasks, n_designs)
    reason = rank_statistics.why_untestable(scores)
    if not reason and smallest["wilcoxon_holm"] > alpha:
        reason = sentences.why_undecidable(n_tasks, n_designs, category, alpha, smallest["wilcoxon"])
    return {
        "smallest_attainable_p": smallest,
        "decidable_by_wilcoxon_holm": reason is None,
        "undecidable_reason": reason,
    }


def write_tables(statistics: Mapping[str, Any], folder: Path) -> None:
    """Write one table of ranks and scores for each base and category, and all pairs of each pairwise test."""
    folder.mkdir()
    design_keys = {design["name"]: design for design in statistics["designs"]}
    wilcoxon, nemenyi = [], []
    for comparison in statistics["comparisons"]:
        names = {"base": comparison["base"], "category": comparison["category"]}
        columns = {
            "average_rank": comparison["average_ranks"],
            "mean_score": comparison["mean_scores"],
            "seed_spread": comparison["seed_spread"],
        }
        rows = [
            design_keys[name] | {column: values[name] for column, values in columns.items()}
            for name in comparison["designs"]
        ]
        table = (
            pd.DataFrame(rows).rename(columns={"name": "design"}).sort_values("average_rank", kind="stable")
        )
        _write_csv(table, folder / f"{names['base']}-{names['category']}.csv")
        difference = {"critical_difference": comparison["nemenyi"]["critical_difference"]}
        nemenyi += [names | pair | difference for pair in comparison["nemenyi"]["pairs"]]
        wilcoxon += [names | pair for pair in comparison["wilcoxon"]]
    _write_csv(pd.DataFrame(wilcoxon), folder / "wilcoxon.csv")
    _write_csv(pd.DataFrame(nemenyi), folder / "nemenyi.csv")


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, float_format="%.6g")


@command
def main() -> None:
    """Test which designs differ, in each category of tasks and over all of them."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("scores", type=Path, help="scores.csv")
    parser.add_argument("--study", type=Path, required=True, help="study.json, the validated study")
    parser.add_argument("--output", type=Path, required=True, help="statistics.json to write")
    parser.add_argument("--tables", type=Path, required=True, help="folder of CSV tables to write")
    arguments = parser.parse_args()
    statistics = compare_study(read_scores(arguments.scores), read_json(arguments.study))
    with whole(arguments.tables) as folder:
        write_tables(statistics, folder)
    write_json(arguments.output, statistics)


if __name__ == "__main__":
    main()
