"""Compares the designs of a study: all tests and intervals, per base and category and over all tasks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from ..common.command import progress
from ..common.errors import BadInput
from ..common.names import on_base
from ..common.typed_json import from_json
from ..common.wording import few
from ..scores.collapsed_runs import left_out, without_collapsed
from ..scores.missing_scores import complete, missing_cells
from ..scores.not_used import NotUsed, not_used
from ..scores.published.labels import UNKNOWN
from ..scores.report_file import NO_REPORT, Report
from ..study.parts import statistics_settings
from .results import Comparison, Design, Statistics
from .sentences.claims import findings, scope
from .statistics import (
    attainable,
    equivalence,
    factors,
    intervals,
    pairwise,
    permutations,
    pools,
    power,
    ranks,
    runs,
)
from .statistics.best_over_runs import best_over_runs
from .statistics.best_over_tasks import best_by_rank, best_by_score
from .statistics.control import against_control
from .statistics.resolution import resolution
from .statistics.together import best_set_together

MANY_DESIGNS = 60  # for more designs, the most expensive pairwise results are left out
LEFT_OUT = (
    "Practical equivalence, sub-pools, and Wilcoxon cliques are left out if more than "
    f"{MANY_DESIGNS} are compared."
)


def compare_study(
    scores: pd.DataFrame,
    study: Mapping[str, Any],
    source: str = "scores",
    report: Report = NO_REPORT,
    quiet: bool = False,
) -> Statistics:
    """Return the statistics of a study: for each base, one comparison per category, then All.

    source: the table's name in error messages; report: on the collection of these scores; quiet: without
    progress on the console. Raises BadInput if cells are missing, the control is unknown, or a base has
    nothing to compare.
    """
    settings = statistics_settings(study)
    unit = unit_of(study, scores)
    every, dropped = complete(scores, study, source, unit)
    kept, left = without_collapsed(every, report.collapsed, source)
    comparisons, of_bases = [], kept.groupby("base", sort=False)
    for base, cells in progress(of_bases, description=f"compare {unit}s", quiet=quiet):
        about = {"base": base, "dropped_tasks": dropped.get(base, []), "unit": unit}
        own = settings
        if (control := settings.get("control")) in left_out(report.collapsed, str(base)):
            own = settings | {"control": None}
            reason = "one of its runs collapsed; the first remaining design replaces it"
            left += not_used("control", [f"{control} on {base}"], reason)
        comparisons += _compare_base(cells, about, study, own, source)
    return Statistics(
        study=study.get("name", ""),
        alpha=settings["alpha"],
        rope=settings["rope"],
        designs=_described(every, study),
        unit=unit,
        scope=scope(kept.groupby("base", sort=False)["seed"].nunique().to_dict(), unit),
        not_used=[*report.not_used, *left, *_dropped_tasks(dropped, scores, study), *_untested(comparisons)],
        comparisons=comparisons,
        sha256=report.sha256,
        revisions=report.revisions,
        collapsed=report.collapsed,
        inferred=report.inferred,
    )


def unit_of(study: Mapping[str, Any], scores: pd.DataFrame) -> str:
    """Return what is compared, "design" or "model": `scores.unit`, or what the scores suggest.

    Published scores, and tables with a single seed and neither pooling nor attention, are of models.
    """
    if "scores" not in study:
        return "design"
    source = study["scores"]
    described = (scores[["pooling", "attention"]] != UNKNOWN).any(axis=None) or scores["seed"].nunique() > 1
    inferred = "design" if source.get("from") == "table" and described else "model"
    return source.get("unit", inferred)


def _compare_base(
    cells: pd.DataFrame,
    about: Mapping[str, Any],
    study: Mapping[str, Any],
    settings: Mapping[str, Any],
    source: str,
) -> list[Comparison]:
    """Return the comparisons of one base. cells: its scores, without missing ones."""
    names = _designs(cells, study)
    control = _control(names, settings.get("control"), about)
    wide = cells.pivot_table(index="task", columns="design", values="score")
    if reason := ranks.why_untestable(wide):
        raise BadInput(f"{source}{on_base(about['base'], ': base ')}: {reason}")
    found = [
        {**about, "category": category} | _compare_designs(part, names, control, settings)
        for category, part in [*cells.groupby("category", sort=False), ("All", cells)]
    ]
    _open_categories(found, settings["alpha"])
    _hold_together(found[:-1], settings["alpha"])
    return [_in_words(from_json(Comparison, content, "comparison"), settings) for content in found]


def _in_words(comparison: Comparison, settings: Mapping[str, Any]) -> Comparison:
    sentences = findings(comparison, settings["alpha"], settings["rope"])
    return replace(comparison, sentences=sentences)


def _dropped_tasks(
    dropped: Mapping[str, list[str]], scores: pd.DataFrame, study: Mapping[str, Any]
) -> Iterator[NotUsed]:
    for base, tasks in dropped.items():
        lacking = dict.fromkeys(cell[1] for cell in missing_cells(scores, study) if cell[0] == base)
        reason = f"a score of {few(list(lacking))} is missing{on_base(base)}"
        yield from not_used("task", tasks, reason)


def _untested(comparisons: Sequence[Comparison]) -> Iterator[NotUsed]:
    """Yield the categories in which nothing can be tested, by reason."""
    by_reason: dict[str, list[str]] = {}
    for comparison in comparisons:
        if comparison.undecidable.untestable and comparison.category != "All":
            name = f"{comparison.category}{on_base(comparison.base)}"
            by_reason.setdefault(comparison.undecidable.untestable, []).append(name)
    for reason, names in by_reason.items():
        said = reason[0].lower() + reason[1:].rstrip(".")
        yield from not_used("category", names, f"{said}; its tasks count in All")


def _designs(cells: pd.DataFrame, study: Mapping[str, Any]) -> list[str]:
    """Return the designs of one base: first those in the study, in its order, then in the table's order."""
    own = list(cells["design"].unique())
    listed = [name for name in study.get("designs") or () if name in own]
    return listed + [name for name in own if name not in listed]


def _control(names: list[str], control: str | None, about: Mapping[str, Any]) -> str:
    if control is None:
        return names[0]
    if control not in names:
        raise BadInput(
            f'statistics.control "{control}" is not a {about["unit"]}{on_base(about["base"], " of base ")};'
            f" choose from {', '.join(names)}"
        )
    return control


def _described(scores: pd.DataFrame, study: Mapping[str, Any]) -> list[Design]:
    found = scores.drop_duplicates("design").set_index("design")
    names = _designs(scores, study)
    return [Design(name, found.at[name, "pooling"], found.at[name, "attention"]) for name in names]


def _compare_designs(
    cells: pd.DataFrame, names: list[str], control: str, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the fields of a Comparison of the designs over the tasks in `cells`."""
    alpha = settings["alpha"]
    of_runs = cells.pivot(index=["design", "seed"], columns="task", values="score").loc[names]
    scores = of_runs.groupby(level="design", sort=False).mean().T[names].round(ranks.DECIMALS)
    scores.columns.name = None
    about = cells.drop_duplicates("design").set_index("design").loc[names, ["pooling", "attention"]]
    means = of_runs.mean(axis="columns").unstack("seed").loc[names]
    few = len(names) <= MANY_DESIGNS
    return {
        "designs": names,
        "control": control,
        "tasks": scores.index.tolist(),
        "seeds": sorted(cells["seed"].unique().tolist()),
        "n_designs": len(names),
        "n_tasks": len(scores),
        "mean_scores": scores.mean().to_dict(),
        "seed_spread": _spread(means),
        "average_ranks": ranks.rank_designs(scores).mean().to_dict(),
        "rank_intervals": intervals.rank_intervals(scores, alpha),
        "differences": intervals.difference_intervals(of_runs, control, alpha),
        "undecidable": _undecidable(scores, of_runs, alpha),
        "these_checkpoints": _these_checkpoints(scores, control, settings, few),
        "these_designs": runs.design_claim(of_runs, control, alpha)
        | {"best": best_over_runs(of_runs, alpha)},
        "factors": factors.factor_effects(of_runs, about, alpha),
        "left_out": None if few else LEFT_OUT,
        "sentences": {},  # written once the gates are known
    }


def _spread(means: pd.DataFrame) -> dict[str, float | None]:
    if means.shape[1] < 2:
        return dict.fromkeys(means.index)
    return means.std(axis="columns", ddof=1).to_dict()


def _undecidable(scores: pd.DataFrame, of_runs: pd.DataFrame, alpha: float) -> dict[str, Any]:
    """Return what these tasks and seeds cannot decide, given their numbers and the observed spread."""
    smallest = attainable.attainable_with_ties(scores, alpha)
    untestable = ranks.why_untestable(scores)
    return {
        "untestable": untestable,
        "attainable": smallest,
        "decidable": {
            test: untestable is None and smallest[test] <= alpha
            for test in ("friedman", "nemenyi", "wilcoxon_holm", "control_holm")
        }
        | {"equivalence": untestable is None and len(scores) >= equivalence.FEWEST_TO_DECIDE},
        "detectable": power.detectable(scores, of_runs, alpha),
    }


def _these_checkpoints(
    scores: pd.DataFrame, control: str, settings: Mapping[str, Any], few: bool
) -> dict[str, Any]:
    """Return the results of tests over tasks, which are only about these checkpoints."""
    alpha = settings["alpha"]
    friedman = ranks.friedman(scores) | permutations.friedman_permutation(scores)
    nemenyi = ranks.nemenyi(scores, alpha)
    wilcoxon = pairwise.wilcoxon(scores, alpha, settings["correction"])
    by_score = best_by_score(scores, alpha)
    if few and friedman["p"] is not None:
        for pair, flips in zip(nemenyi["pairs"], pools.pool_dependence(scores, alpha), strict=True):
            pair |= flips
    return {
        "friedman": friedman,
        "iman_davenport": ranks.iman_davenport(friedman["chi_square"], *scores.shape),
        "gate": None,  # set once all categories are known
        "nemenyi": nemenyi,
        "cliques": _cliques(scores, nemenyi["pairs"], "significant", friedman),
        "wilcoxon": wilcoxon,
        "wilcoxon_cliques": _cliques(scores, wilcoxon, "significant_holm", friedman) if few else None,
        "against_control": against_control(scores, control, alpha),
        "equivalence": equivalence.equivalence(scores, settings["rope"]) if few else None,
        "papers_rule": pairwise.papers_rule(wilcoxon),
        "best_by_score": by_score,
        "best_by_rank": best_by_rank(scores, alpha),
        "resolution": resolution(scores, wilcoxon, nemenyi["pairs"], by_score["ranks"], alpha),
    }


def _cliques(
    scores: pd.DataFrame, pairs: list[dict], key: str, friedman: Mapping[str, Any]
) -> list[list[str]]:
    if friedman["p"] is None:
        return []
    order = ranks.rank_designs(scores).mean().sort_values(kind="stable").index.tolist()
    return ranks.cliques(order, [(pair["first"], pair["second"]) for pair in pairs if pair[key]])


def _open_categories(comparisons: list[dict[str, Any]], alpha: float) -> None:
    """Set the gate of each comparison: Holm over the categories; All is a separate family."""
    *categories, overall = comparisons
    for family in (categories, [overall]):
        p_values = {c["category"]: c["these_checkpoints"]["friedman"]["p"] for c in family}
        gates = ranks.open_categories(p_values, alpha)
        size = sum(p is not None for p in p_values.values())
        for comparison in family:
            comparison["these_checkpoints"]["gate"] = gates[comparison["category"]] | {"categories": size}


def _hold_together(categories: Sequence[Mapping[str, Any]], alpha: float) -> None:
    """Set the best sets that are right in all categories at once, if there are several."""
    size = sum(c["undecidable"]["untestable"] is None for c in categories)
    for category in categories if size > 1 else ():
        over_tasks, over_runs = category["these_checkpoints"], category["these_designs"]["best"]
        found = [(best, best["p"]) for best in (over_tasks["best_by_score"], over_tasks["best_by_rank"])]
        if over_runs:
            found.append((over_runs, {name: row["p"] for name, row in over_runs["designs"].items()}))
        for best, p in found:
            best["best_set_together"] = best_set_together(best["best_set"], p, alpha, size)
