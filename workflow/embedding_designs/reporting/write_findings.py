"""Writes the findings page: one self-contained HTML file, which needs no network.

python -m embedding_designs.reporting.write_findings results/quickstart --output findings.html
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from ..common.atomic_writes import atomic
from ..common.command import command
from ..common.errors import BadInput
from ..common.json_files import read_json
from ..common.wording import counted, listing
from ..comparison.results import Comparison
from ..comparison.sentences.claims import CLAIMS
from ..comparison.statistics_file import read_statistics
from ..scores.not_used import check_unchanged, in_words
from ..scores.score_table import BASELINE_COLUMNS, read_scores, read_table
from ..study.adaptation import adaptations
from ..study.config_files import read_study
from ..study.provenance import provenance
from ..study.run_configs import task_batches
from .page import collapsed, tables
from .page.cost import cost
from .page.data import report
from .page.figures import composition, figures
from .page.layers import layers_by_base
from .page.tuning import tuning
from .tuning_choices import read_choices

TEMPLATE = "findings.html.jinja"
REVISIONS = Path("fetched") / "revisions.json"
DATA_REPORTS = {"data/report.json": "Training data", "data/harvest.json": "Harvested docstrings"}


def gather(folder: Path) -> dict[str, Any]:
    """Return everything that the page shows, from the files of a study under `folder`.

    The study, its statistics, and its scores are required. Baselines, training logs, benchmarks, and data
    reports are shown if they exist, because a study can start from existing scores. Raises BadInput if a
    required file is missing.
    """
    study_file = folder / "configs" / "study.json"
    study, statistics = (
        read_study(study_file, "name", "description"),
        read_statistics(folder / "statistics.json"),
    )
    for table in (folder / "scores.csv", folder / "baselines.csv"):
        check_unchanged(table, statistics.sha256, "run the study again")
    scores, baselines = read_scores(folder / "scores.csv"), read_baselines(folder / "baselines.csv")
    every, scores = scores, compared(scores, statistics.comparisons)
    # a model can be in several pools
    run = ["design", "seed"] if statistics.unit == "model" else ["base", "design", "seed"]
    names = list(dict.fromkeys(comparison.base for comparison in statistics.comparisons))
    layers = layers_by_base(folder, "layers" in study)
    bases = [
        gather_base(
            folder,
            study,
            _all_first([comparison for comparison in statistics.comparisons if comparison.base == name]),
            scores[scores["base"] == name],
            baselines[baselines["base"] == name],
        )
        | {"layers": layers.get(name)}
        for name in names
    ]
    return {
        "study": study,
        "study_text": json.dumps(
            {key: study[key] for key in study if key != "made_by"}, indent=2, ensure_ascii=False
        ),
        "statistics": statistics,
        "scope": statistics.scope,
        "claims": CLAIMS,
        "collapsed": collapsed.warning(statistics.collapsed, len(every[run].drop_duplicates()), names),
        "not_used": [in_words(entry) for entry in statistics.not_used],
        "revisions": tables.revisions(statistics.revisions),
        "unit": statistics.unit,
        "group": "pool" if study.get("scores") else "base",
        "from_scratch": [name for name, base in study.get("bases", {}).items() if "pretrain" in base],
        "size": {
            "designs": len(statistics.designs),
            "seeds": scores["seed"].nunique(),
            "runs": len(scores[run].drop_duplicates()),
            "tasks": scores["task"].nunique(),
            "categories": scores["category"].nunique(),
        },
        "bases": bases,
        "effects": any(map(_shows_effects, bases)),
        "trained": any(base["figures"]["training"] for base in bases),
        "tuned": any(base["tuning"] for base in bases),
        "layered": bool(layers),
        "costed": any(base["cost"] for base in bases),
        "data": data_reports(folder),
        "composition": composition(folder / "figures"),
        "provenance": provenance(study, [study_file, *_hashed(folder)], folder / REVISIONS),
    }


def gather_base(
    folder: Path,
    study: Mapping[str, Any],
    comparisons: Sequence[Comparison],
    scores: pd.DataFrame,
    baselines: pd.DataFrame,
) -> dict[str, Any]:
    """Return what the page shows of one base; comparisons, scores, baselines: its own."""
    name, designs = comparisons[0].base, study.get("designs", {})
    return {
        "name": name,
        "comparisons": comparisons,
        "headline": headline(comparisons),
        "summary": tables.summary(comparisons),
        "scores": tables.scores(comparisons, baselines, scores),
        "tasks": tables.tasks(comparisons, scores, baselines),
        "pairs": None if comparisons[0].left_out else tables.pairs(comparisons),
        "cost": cost(folder, comparisons[0], task_batches(study), adaptations(study)) if designs else None,
        "tuning": tuning(read_choices(folder / "tuning", name, designs)),
        "figures": figures(folder / "figures", name, comparisons),
        "effects": tables.effects(comparisons),
        "vanished": tables.papers_rule(comparisons),
    }


def _shows_effects(base: Mapping[str, Any]) -> bool:
    factors = base["comparisons"][0].factors
    return bool(base["figures"]["effects"] or base["effects"] or factors.refused or factors.reason)


def _hashed(folder: Path) -> list[Path]:
    return [path for path in (folder / "scores.csv", folder / "data" / "train.parquet") if path.exists()]


def _all_first(comparisons: Sequence[Comparison]) -> list[Comparison]:
    return sorted(comparisons, key=lambda comparison: comparison.category != "All")


def headline(comparisons: Sequence[Comparison]) -> list[str]:
    """Return which designs lead in which categories, and in which of them the tests separate designs."""
    categories = [comparison for comparison in comparisons if comparison.category != "All"]
    if len(categories) < 2:
        return []
    leads: dict[str, list[str]] = {}
    for comparison in categories:
        leader = listing(tables.leaders(comparison))
        leads.setdefault(leader, []).append(comparison.category)
    named = [f"{name} in {listing(where)}" for name, where in leads.items()]
    return [f"Best average rank: {'; '.join(named)}.", *_apart(categories), *_over_runs(categories)]


def _apart(categories: Sequence[Comparison]) -> Iterator[str]:
    """Yield in which categories these checkpoints differ."""
    separated = [c.category for c in categories if tables.separates(c)]
    alike = [c.category for c in categories if c.category not in separated]
    unit = categories[0].unit
    undecidable = [c.category for c in categories if not c.undecidable.decidable["wilcoxon_holm"]]
    if separated:
        yield (
            "These checkpoints: Friedman's test (Holm's correction over the categories) finds a difference, "
            f"and Nemenyi's test separates at least one pair, in {listing(separated)}."
        )
    if alike:
        yield (
            f"These checkpoints: the two tests do not separate any {unit}s in {listing(alike)}. Their order "
            f"in these categories may be due to chance, which does not mean that the {unit}s are equal."
        )
    if undecidable:
        yield (
            "Categories with too few tasks for Wilcoxon's test with Holm's correction: "
            f"{listing(undecidable)}."
        )


def _over_runs(categories: Sequence[Comparison]) -> Iterator[str]:
    """Yield in which categories these designs differ, by Tukey's test over runs."""
    claimed = [c for c in categories if not c.these_designs.refused]
    if not claimed:
        return
    apart = [c.category for c in claimed if any(pair.significant for pair in c.these_designs.pairs)]
    where = f"separates at least one pair in {listing(apart)}" if apart else "does not separate any pair"
    yield (f"These designs: Tukey's test over runs {where} (not corrected for the number of categories).")


def compared(scores: pd.DataFrame, comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """Return the scores on the tasks that were compared, without dropped tasks."""
    cells = {(c.base, task) for c in comparisons for task in c.tasks}
    return scores[[cell in cells for cell in zip(scores["base"], scores["task"], strict=True)]]


def read_baselines(path: Path) -> pd.DataFrame:
    """Return the scores of the baselines, in an empty table if the study has none."""
    return read_table(path, BASELINE_COLUMNS) if path.exists() else pd.DataFrame(columns=BASELINE_COLUMNS)


def data_reports(folder: Path) -> list[dict[str, Any]]:
    """Return the existing data reports as titled tables."""
    return [
        {"title": title, "tables": report(read_json(folder / file))}
        for file, title in DATA_REPORTS.items()
        if (folder / file).exists()
    ]


def render(page: Mapping[str, Any]) -> str:
    """Return the page as HTML; every text in it is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["counted"] = counted
    return environment.get_template(TEMPLATE).render(page)


@command
def main() -> None:
    """Write the findings page of a study."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("results", type=Path, help="folder of the study's results, results/{study}")
    parser.add_argument("--output", type=Path, required=True, help="HTML file to write")
    arguments = parser.parse_args()
    if not arguments.results.is_dir():
        raise BadInput(
            f"{arguments.results}: no such folder; give a study's results, such as results/quickstart"
        )
    page = render(gather(arguments.results))
    with atomic(arguments.output) as part:
        part.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
