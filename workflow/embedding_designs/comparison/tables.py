"""The tables of a study, from statistics.json: as CSV and, unless very long, as JSON and LaTeX (booktabs).

Each row is for one base, one category, and one design, pair, or effect, so every table can be filtered by its
first columns.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from .p_values import p_value
from .results import Comparison, Statistics

LONGEST = 2000  # rows of a table in LaTeX and JSON; longer ones are only written as CSV
LONG = 40  # rows of a LaTeX table that fits on a page; longer ones are longtables
DIGITS = 3  # decimals in LaTeX; CSV and JSON have more
PRINTED = {  # columns printed of tables too wide for a page; CSV and JSON have all columns
    "tests": ["base", "category", "tasks", "friedman_chi_square", "friedman_p",
              "friedman_p_holm_over_categories", "kendall_w", "critical_difference", "run_anova_f",
              "run_anova_p"],
    "designs": ["base", "category", "design", "average_rank", "rank_low", "rank_high", "mean_score",
                "seed_spread", "minus_control", "minus_control_low", "minus_control_high"],
    "pairs": ["base", "category", "first", "second", "mean_difference", "rank_biserial", "p_uncorrected",
              "p_holm", "nemenyi_p", "nemenyi_flips_in_sub_pools", "p_equivalent"],
    "against_control": ["base", "category", "control", "design", "rank_difference", "p_holm",
                         "difference_over_runs", "p_over_runs"],
    "best_sets": ["base", "category", "design", "mean_score", "score_rank_best", "score_rank_worst",
                  "p_best_by_score", "p_best_by_rank", "p_best_over_runs"],
    "factors": ["base", "category", "effect", "contrast", "estimate", "p_holm_over_tasks",
                "p_holm_over_runs"],
}  # fmt: skip
Rows = Iterator[dict[str, Any]]


def tables(statistics: Statistics) -> dict[str, pd.DataFrame]:
    """Return all tables of a study by name, without empty ones."""
    made = {name: table_of(name, statistics.comparisons, statistics) for name in _makers()}
    made["scores"] = _scores(statistics)
    return {name: table for name, table in made.items() if len(table)}


def table_of(name: str, comparisons: Sequence[Comparison], statistics: Statistics) -> pd.DataFrame:
    """Return the rows of one table for some of the comparisons; "scores" is only a table of all of them."""
    return pd.DataFrame(_rows(_makers()[name], comparisons, statistics))


def _makers() -> dict[str, Callable[..., Rows]]:
    return {"designs": _designs, "tests": _tests, "pairs": _pairs, "against_control": _against_control,
            "design_pairs": _design_pairs, "factors": _factors, "factor_tests": _factor_tests,
            "papers_rule": _papers_rule, "best_sets": _best_sets}  # fmt: skip


def write_tables(statistics: Statistics, folder: Path) -> None:
    """Write every table to `folder` as {name}.csv and, up to LONGEST rows, {name}.json and {name}.tex."""
    folder.mkdir()
    for name, table in tables(statistics).items():
        table.to_csv(folder / f"{name}.csv", index=False, float_format="%.6g", lineterminator="\n")
        if len(table) <= LONGEST:
            table.to_json(folder / f"{name}.json", orient="records", indent=2, double_precision=10)
            (folder / f"{name}.tex").write_text(latex(table, name), encoding="utf-8")


def latex(table: pd.DataFrame, name: str) -> str:
    """Return a table as LaTeX, with the columns that fit on a page.

    It requires the booktabs package and, for a long table, longtable.
    """
    table = table[PRINTED.get(name, table.columns)]
    long, shown = len(table) > LONG, table.copy()
    numbers = set(table.select_dtypes("number").columns)
    for column in numbers:
        if "p" in column.split("_"):  # a column of p-values or probabilities
            shown[column] = table[column].map(p_value, na_action="ignore")
    text = shown.rename(columns=lambda column: column.replace("_", " ")).to_latex(
        index=False,
        escape=True,
        na_rep="--",
        float_format=f"%.{DIGITS}f",
        longtable=long,
        column_format="".join("r" if column in numbers else "l" for column in table.columns),
    )
    needs = "booktabs and longtable" if long else "booktabs"
    return f"% {name}: needs {needs}\n{text.replace('<', '$<$')}"


def _rows(make: Callable[..., Rows], comparisons: Sequence[Comparison], statistics: Statistics) -> Rows:
    for comparison in comparisons:
        for row in make(comparison, statistics):
            yield {"base": comparison.base, "category": comparison.category, **row}


def _designs(comparison: Comparison, statistics: Statistics) -> Rows:
    """Return one row per design: rank with interval, score, and difference from the control."""
    keys = {design.name: design for design in statistics.designs}
    ranks, intervals = comparison.average_ranks, comparison.rank_intervals or {}
    for name in sorted(ranks, key=ranks.__getitem__):
        low, high = intervals.get(name) or (None, None)
        against = comparison.differences.designs[name]
        yield {
            "design": name, "pooling": keys[name].pooling, "attention": keys[name].attention,
            "average_rank": ranks[name], "rank_low": low, "rank_high": high,
            "mean_score": comparison.mean_scores[name], "seed_spread": comparison.seed_spread[name],
            "minus_control": against.difference, "minus_control_low": against.low,
            "minus_control_high": against.high,
        }  # fmt: skip


def _scores(statistics: Statistics) -> pd.DataFrame:
    """Return mean scores as printed in papers: one row per design, one column per category, All last."""
    rows = [
        {"base": c.base, "design": name, "category": c.category, "score": score}
        for c in statistics.comparisons
        for name, score in c.mean_scores.items()
    ]
    long = pd.DataFrame(rows)
    categories = [name for name in long["category"].unique() if name != "All"]
    order = long[["base", "design"]].drop_duplicates()
    wide = long.pivot(index=["base", "design"], columns="category", values="score")[[*categories, "All"]]
    return wide.loc[list(order.itertuples(index=False, name=None))].rename_axis(columns=None).reset_index()


def _tests(comparison: Comparison, statistics: Statistics) -> Rows:
    """Return the tests over all designs, for both kinds of claim, and what they could detect."""
    over_tasks, over_runs = comparison.these_checkpoints, comparison.these_designs
    friedman, f = over_tasks.friedman, over_tasks.iman_davenport
    one_way, welch, quasi = over_runs.one_way, over_runs.welch, over_runs.quasi_f
    detectable = comparison.undecidable.detectable
    yield {
        "tasks": comparison.n_tasks, "designs": comparison.n_designs,
        "seeds": len(comparison.seeds), "friedman_chi_square": friedman.chi_square,
        "friedman_p": friedman.p, "friedman_permutation_p": friedman.p_permutation,
        "friedman_p_holm_over_categories": over_tasks.gate.p_holm,
        "kendall_w": friedman.kendall_w, "iman_davenport_f": f.f, "iman_davenport_p": f.p,
        "critical_difference": over_tasks.nemenyi.critical_difference,
        "smallest_wilcoxon_holm_p": comparison.undecidable.attainable.wilcoxon_holm,
        "detectable_over_tasks": detectable.checkpoints.difference,
        "tasks_needed": detectable.checkpoints.tasks_needed,
        "run_anova_f": one_way and one_way.f, "run_anova_p": one_way and one_way.p,
        "run_welch_p": welch and welch.p, "quasi_f": quasi and quasi.f, "quasi_f_p": quasi and quasi.p,
        **{f"variance_{source}": share for source, share in ((quasi and quasi.variances) or {}).items()},
        "detectable_over_runs": detectable.designs and detectable.designs.difference,
        "seeds_needed": detectable.designs and detectable.designs.seeds_needed,
    }  # fmt: skip


def _pairs(comparison: Comparison, statistics: Statistics) -> Rows:
    """Return each pair of designs with every pairwise test over tasks."""
    over_tasks = comparison.these_checkpoints
    bayes = over_tasks.equivalence or [None] * len(over_tasks.wilcoxon)
    for wilcoxon, nemenyi, posterior in zip(
        over_tasks.wilcoxon, over_tasks.nemenyi.pairs, bayes, strict=True
    ):
        row = _without_reason(wilcoxon)
        if wilcoxon.significant_shaffer is None:
            del row["p_shaffer"], row["significant_shaffer"]
        yield row | {
            "nemenyi_p": nemenyi.p,
            "nemenyi_significant": nemenyi.significant,
            "nemenyi_flips_in_sub_pools": nemenyi.flips,
            "p_first_better": posterior and posterior.p_first_better,
            "p_equivalent": posterior and posterior.p_equivalent,
            "p_second_better": posterior and posterior.p_second_better,
        }


def _against_control(comparison: Comparison, statistics: Statistics) -> Rows:
    """Return each design against the control: by ranks over tasks with Holm, and by Dunnett over runs."""
    over_runs = {row.design: row for row in comparison.these_designs.against_control}
    for row in comparison.these_checkpoints.against_control:
        dunnett = over_runs.get(row.design)
        yield {"control": comparison.control, **_without_reason(row)} | {
            f"{name}_over_runs": dunnett and getattr(dunnett, name)
            for name in ("difference", "low", "high", "p", "significant")
        }


def _design_pairs(comparison: Comparison, statistics: Statistics) -> Rows:
    """Return each pair of designs by Tukey's test over runs."""
    yield from map(_without_reason, comparison.these_designs.pairs)


def _without_reason(row: Any) -> dict[str, Any]:
    return {key: value for key, value in vars(row).items() if key != "reason"}


def _factors(comparison: Comparison, statistics: Statistics) -> Rows:
    """Return the effects of pooling and attention that the study can estimate."""
    effects = comparison.factors
    for effect in [*effects.effects, *effects.simple]:
        over_tasks, over_runs, both = effect.checkpoints, effect.designs, effect.designs_and_tasks
        yield {
            "effect": effect.effect, "contrast": effect.name, "estimate": effect.estimate,
            "task_wins": over_tasks.wins, "task_losses": over_tasks.losses,
            "p_over_tasks": over_tasks.p, "p_holm_over_tasks": over_tasks.p_holm,
            "p_over_runs": over_runs and over_runs.p, "p_holm_over_runs": over_runs and over_runs.p_holm,
            "low_over_runs": over_runs and over_runs.low, "high_over_runs": over_runs and over_runs.high,
            "p_over_runs_and_tasks": both and both.p, "p_holm_over_runs_and_tasks": both and both.p_holm,
        }  # fmt: skip


def _factor_tests(comparison: Comparison, statistics: Statistics) -> Rows:
    """Return the two-way analysis of variance over runs, that of the aligned ranks, and the quasi-F."""
    ranked, quasi = comparison.factors.aligned_ranks or {}, comparison.factors.quasi_f or {}
    for effect, test in (comparison.factors.anova or {}).items():
        yield {
            "effect": effect, "f": test.f, "df1": test.df1, "df2": test.df2, "p": test.p,
            "partial_eta_squared": test.partial_eta_squared, "aligned_ranks_f": ranked[effect].f,
            "aligned_ranks_p": ranked[effect].p, "quasi_f": quasi[effect].f, "quasi_f_df1": quasi[effect].df1,
            "quasi_f_df2": quasi[effect].df2, "quasi_f_p": quasi[effect].p,
        }  # fmt: skip


def _papers_rule(comparison: Comparison, statistics: Statistics) -> Rows:
    """Return the pairs that the paper's rule, uncorrected Wilcoxon, calls significant."""
    rule = comparison.these_checkpoints.papers_rule
    vanish = {tuple(pair) for pair in rule.vanish}
    for better, worse in rule.called:
        yield {"better": better, "worse": worse, "significant_holm": (better, worse) not in vanish}


def _best_sets(comparison: Comparison, statistics: Statistics) -> Rows:
    """Return one row per design: whether it could be the best, by each kind of claim, and where it ranks."""
    over_tasks, over_runs = comparison.these_checkpoints, comparison.these_designs.best
    by_score, by_rank = over_tasks.best_by_score, over_tasks.best_by_rank
    for name in sorted(comparison.designs, key=lambda name: -comparison.mean_scores[name]):
        behind = over_runs and over_runs.designs[name]
        yield {
            "design": name, "mean_score": comparison.mean_scores[name],
            "average_rank": comparison.average_ranks[name],
            "could_be_best_by_score": name in by_score.best_set, "p_best_by_score": by_score.p[name],
            "score_rank_best": by_score.ranks[name][0], "score_rank_worst": by_score.ranks[name][1],
            "could_be_best_by_rank": name in by_rank.best_set, "p_best_by_rank": by_rank.p[name],
            "average_rank_best": by_rank.ranks[name][0], "average_rank_worst": by_rank.ranks[name][1],
            "could_be_best_over_runs": over_runs and name in over_runs.best_set,
            "p_best_over_runs": behind and behind.p,
            "behind_best_over_runs": behind and behind.difference,
            "behind_best_low": behind and behind.low, "behind_best_high": behind and behind.high,
        }  # fmt: skip
