"""The tables of tests of the findings page: pure functions from statistics.json to rows of text."""

from collections.abc import Mapping, Sequence

from ...common.wording import few
from ...comparison.p_values import p_value
from ...comparison.results import Comparison
from ...comparison.results_of_tests import (
    ContrastOverTasks,
    EquivalencePair,
    NemenyiPair,
    TukeyPair,
    WilcoxonPair,
)
from ...comparison.sentences.categories import separates
from ...comparison.sentences.phrases import leaders
from .table import DASH, Row, Table

MOST_PAIRS = 1000  # rows, about 350 kB of the page; the CSV table has all


def summary(comparisons: Sequence[Comparison]) -> Table:
    """Return one row per category: tasks, leading design, and the tests of both kinds of claim."""
    header = ["Category", "Tasks", "Best average rank", "Friedman p", "Friedman p by permutation",
              "Friedman p, Holm over categories", "Pairs separated by Nemenyi",
              "Enough tasks for Wilcoxon–Holm?", "ANOVA over runs, p"]  # fmt: skip
    return Table("What the tests found in each category", header, [_summary_row(c) for c in comparisons])


def _summary_row(comparison: Comparison) -> Row:
    over_tasks, one_way = comparison.these_checkpoints, comparison.these_designs.one_way
    pairs = over_tasks.nemenyi.pairs
    best = min(comparison.average_ranks.values())
    tested = over_tasks.friedman.p is not None
    separated = f"{sum(pair.significant for pair in pairs)} of {len(pairs)}"
    doubt = "" if separates(comparison) or separated.startswith("0 ") else " (only suggestive)"
    return Row(comparison.category, [
        str(comparison.n_tasks),
        f"{', '.join(leaders(comparison))} ({best:.2f})",
        _p(over_tasks.friedman.p),
        _p(over_tasks.friedman.p_permutation),
        _p(over_tasks.gate.p_holm),
        separated + doubt if tested else DASH,
        _decidable(comparison, tested),
        _p(one_way.p if one_way else None),
    ])  # fmt: skip


def _decidable(comparison: Comparison, tested: bool) -> str:
    if comparison.undecidable.decidable["wilcoxon_holm"]:
        return "yes"
    return "no" if tested else "not testable"


def shown_pairs(comparisons: Sequence[Comparison]) -> Table | None:
    """Return the table of pairs for all categories, or only for All, the first, or None if it is too long."""
    for shown in (comparisons, comparisons[:1]):
        if sum(len(comparison.these_checkpoints.wilcoxon) for comparison in shown) <= MOST_PAIRS:
            return pairs(shown)
    return None


def elsewhere(comparisons: Sequence[Comparison]) -> list[str]:
    """Return what is not shown, to keep the page small, and where it is; nothing if everything is shown."""
    shown, overall = shown_pairs(comparisons), comparisons[0]
    rows = sum(len(comparison.these_checkpoints.wilcoxon) for comparison in comparisons)
    if shown and len(shown.rows) == rows:
        return []
    where = " within categories" if shown else ""
    sentences = [
        f"To keep this page small, the pairwise tests{where} are only in tables/pairs.csv ({rows:,} rows)."
    ]
    if overall.left_out:
        sentences = [
            f"{sentences[0]} Only the diagram over all tasks is drawn; the ranks within each category are in "
            "tables/best_sets.csv.",
            overall.left_out,
        ]
    return sentences


def pairs(comparisons: Sequence[Comparison]) -> Table:
    """Return one row per category and pair of designs, with every test; significant ones are bold."""
    header = ["Category", "First", "Second", "Mean difference", "Wins / losses / ties", "Rank-biserial",
              "Wilcoxon p, uncorrected", "Wilcoxon p, Holm", "Nemenyi p", "Nemenyi flips in sub-pools",
              "Probability of equivalence", "Tukey p, over runs"]  # fmt: skip
    rows = [row for comparison in comparisons for row in _pair_rows(comparison)]
    caption = (
        f"All pairs of {comparisons[0].unit}s, first minus second (rank-biserial 1: first is always better); "
        "bold: significant"
    )
    return Table(caption, header, rows)


def _pair_rows(comparison: Comparison) -> list[Row]:
    over_tasks = comparison.these_checkpoints
    count = len(over_tasks.wilcoxon)
    bayes = over_tasks.equivalence or [None] * count
    tukey = comparison.these_designs.pairs or [None] * count
    tests = zip(over_tasks.wilcoxon, over_tasks.nemenyi.pairs, bayes, tukey, strict=True)
    return [_pair_row(comparison.category, *of_pair) for of_pair in tests]


def _pair_row(
    category: str,
    wilcoxon: WilcoxonPair,
    nemenyi: NemenyiPair,
    bayes: EquivalencePair | None,
    tukey: TukeyPair | None,
) -> Row:
    cells = [
        wilcoxon.first,
        wilcoxon.second,
        _signed(wilcoxon.mean_difference),
        f"{wilcoxon.wins} / {wilcoxon.losses} / {wilcoxon.ties}",
        _signed(wilcoxon.rank_biserial),
        _p(wilcoxon.p_uncorrected),
        _p(wilcoxon.p_holm),
        _p(nemenyi.p),
        DASH if nemenyi.flips is None else f"{nemenyi.flips:.0%}",
        DASH if not bayes else f"{bayes.p_equivalent:.2f}",
        _p(tukey.p if tukey else None),
    ]
    marked = {5: wilcoxon.significant_uncorrected, 6: wilcoxon.significant_holm,
              7: nemenyi.significant, 10: tukey and tukey.significant}  # fmt: skip
    return Row(category, cells, frozenset(place for place, significant in marked.items() if significant))


def effects(comparisons: Sequence[Comparison]) -> Table | None:
    """Return the estimable contrasts of pooling and of attention, or None if there are none."""
    header = ["Category", "Effect", "Contrast", "Estimate", "Tasks for / against", "p over tasks, Holm",
              "p over runs, Holm", "p over runs and tasks, Holm"]  # fmt: skip
    rows = [
        Row(c.category, [
            effect.effect, effect.name, _signed(effect.estimate), _votes(effect.checkpoints),
            _p(effect.checkpoints.p_holm),
            _p(effect.designs.p_holm if effect.designs else None),
            _p(effect.designs_and_tasks.p_holm if effect.designs_and_tasks else None),
        ])
        for c in comparisons
        for effect in [*c.factors.effects, *c.factors.simple]
    ]  # fmt: skip
    caption = (
        "Effects of pooling and attention on mean score; Holm's correction within each factor's contrasts"
    )
    return Table(caption, header, rows) if rows else None


def _votes(over_tasks: ContrastOverTasks) -> str:
    return f"{over_tasks.wins} / {over_tasks.losses}"


def papers_rule(comparisons: Sequence[Comparison]) -> Table:
    """Return the pairs that the paper's rule calls significant, and those that Holm's correction removes."""
    rows = []
    for comparison in comparisons:
        rule = comparison.these_checkpoints.papers_rule
        lost = few([f"{better} over {worse}" for better, worse in rule.vanish])
        counts = [str(rule.n_pairs), str(len(rule.called)), str(len(rule.vanish))]
        rows.append(Row(comparison.category, [*counts, lost or DASH]))
    header = ["Category", "Pairs", "Called significant", "Not significant after Holm", "Which pairs"]
    return Table("The paper's rule: uncorrected Wilcoxon tests at the same level", header, rows)


def revisions(of_models: Mapping[str, str]) -> Table | None:
    """Return the revisions of the scored models, or None if the source records none."""
    rows = [Row(model, [revision]) for model, revision in of_models.items()]
    return Table("Revisions of the scored models", ["Model", "Revision"], rows) if rows else None


def _signed(value: float | None) -> str:
    return DASH if value is None else f"{value:.3f}".replace("-", "−")


def _p(p: float | None) -> str:
    return DASH if p is None else p_value(p)
