"""The captions of figures: the data, the tests with their numbers, and what the claim is about."""

from collections.abc import Sequence

from ...common.names import on_base
from ...common.wording import counted
from ...comparison.p_values import p_text
from ...comparison.results import Comparison

CLIQUES = {"nemenyi": ("cliques", "nemenyi"), "wilcoxon": ("wilcoxon_cliques", "wilcoxon_holm")}
TESTS = {"nemenyi": "Nemenyi's test", "wilcoxon": "Wilcoxon's test with Holm's correction"}
LARGE_AND_SMALL = "; large markers: means over seeds, small markers: single seeds"


def ranks_caption(
    comparison: Comparison, alpha: float, test: str, gaps: bool = False, n_undrawn: int = 0
) -> str:
    """Return the caption of a critical-difference diagram.

    gaps: whether a bar passes a design outside its group; n_undrawn: groups that did not fit.
    """
    parts = [data_in_words(comparison)]
    friedman = comparison.these_checkpoints.friedman
    if friedman.p is None:
        parts.append(f"Average ranks only, without a test. {why_no_test(comparison)}")
    else:
        cliques, decidable = CLIQUES[test]
        n_cliques = len(getattr(comparison.these_checkpoints, cliques) or [])
        bars = _bars(f"{TESTS[test]} at α = {alpha:g}", n_cliques, gaps, n_undrawn, comparison.unit)
        if not comparison.undecidable.decidable[decidable]:
            bars = f"With this few tasks, {TESTS[test]} cannot separate any pair at α = {alpha:g}."
        parts += [_friedman(comparison), bars]
    if comparison.rank_intervals:
        parts.append(
            f"Lines around the ranks are {100 * (1 - alpha):g}% intervals from resampling the tasks."
        )
    return " ".join([*parts, "The claim is about these checkpoints."])


def significance_caption(comparison: Comparison, alpha: float) -> str:
    """Return the caption of a significance plot."""
    tests = comparison.these_checkpoints
    if tests.friedman.p is None:
        found = f"No test. {why_no_test(comparison)}"
    else:
        holm = sum(pair.significant_holm for pair in tests.wilcoxon)
        nemenyi = sum(pair.significant for pair in tests.nemenyi.pairs)
        found = (
            f"{_friedman(comparison)} At α = {alpha:g}, Wilcoxon's test with Holm's correction separates "
            f"{holm} of {len(tests.nemenyi.pairs)} pairs, and Nemenyi's test separates {nemenyi}."
        )
    order = "Rows and columns are ordered by average rank, which is printed in each row."
    return f"{data_in_words(comparison)} {found} {order} The claim is about these checkpoints."


def differences_caption(comparisons: Sequence[Comparison], alpha: float) -> str:
    """Return the caption of the differences from the control, with what their intervals are about."""
    resampled = dict.fromkeys(c.differences.resampled for c in comparisons)
    units = [unit for unit in resampled if unit]
    text = (
        f"Difference in mean score from the control {comparisons[0].control} (hollow marker)"
        f"{on_base(comparisons[0].base, ', ')}; N: number of tasks."
    )
    if not units:
        return text
    about = f"{comparisons[0].unit}s" if all("runs" in unit for unit in units) else "checkpoints"
    resampling = f"resampling complete {' or, in some categories, '.join(units)}"
    intervals = (
        f"Lines are {100 * (1 - alpha):g}% intervals from {resampling}, not corrected for their number."
    )
    return f"{text} {intervals} The claim is about these {about}."


def interaction_caption(comparisons: Sequence[Comparison]) -> str:
    """Return the caption of the interaction plot."""
    seeds, first = len(comparisons[0].seeds), comparisons[0]
    dots = LARGE_AND_SMALL if seeds > 1 else ", one seed"
    text = f"Mean score by pooling and attention{on_base(first.base, ', ')}{dots}; N: number of tasks."
    tested = any((c.factors.anova or {}).get("interaction") for c in comparisons)
    claim = f" Interaction: analysis of variance over runs; that claim is about these {first.unit}s."
    return text + claim * tested


def scores_caption(n_seeds: int) -> str:
    """Return the caption of the scores."""
    dots = LARGE_AND_SMALL if n_seeds > 1 else ""
    return f"Main score{dots}; N: number of tasks."


def why_no_test(comparison: Comparison) -> str:
    """Return why a comparison has no test, in one sentence."""
    return comparison.undecidable.untestable or ""


def data_in_words(comparison: Comparison) -> str:
    """Return what a comparison is about: category, base, and the numbers of tasks, designs, and seeds."""
    tasks, seeds = comparison.n_tasks, len(comparison.seeds)
    what = "All categories" if comparison.category == "All" else comparison.category
    averaged = f", averaged over {seeds} seeds" if seeds > 1 else ""
    return (
        f"{what}{on_base(comparison.base, ', ')}: N = {counted(tasks, 'task')}, "
        f"k = {comparison.n_designs} {comparison.unit}s{averaged}."
    )


def _friedman(comparison: Comparison) -> str:
    test, gate = comparison.these_checkpoints.friedman, comparison.these_checkpoints.gate
    chi_square = f"χ² = {test.chi_square:.2f}, df = {test.df}, {p_text(test.p)}"
    if test.p_permutation is not None:
        chi_square += f", by permutation {p_text(test.p_permutation)}"
    if gate.categories > 1:
        closed = "" if gate.open else ", not significant"
        chi_square += f" ({p_text(gate.p_holm)} after Holm's correction over the categories{closed})"
    return f"Friedman's test: {chi_square}, Kendall's W = {test.kendall_w:.2f}."


def _bars(test: str, n_cliques: int, gaps: bool, n_undrawn: int, unit: str) -> str:
    if n_undrawn:
        return f"{test} leaves {n_undrawn} groups of {unit}s unseparated, too many to draw here."
    if not n_cliques:
        return f"{test} separates all {unit}s."
    thin = f" Where a bar is thin, it passes a {unit} outside its group." if gaps else ""
    return f"{test} does not separate {unit}s that are joined by a bar.{thin}"
