"""Says under a figure what it shows: the data, the test with its numbers, and what the claim is about."""

from collections.abc import Sequence

from ...common.wording import counted
from ...comparison.p_values import p_text
from ...comparison.results import Comparison

CLIQUES = {"nemenyi": ("cliques", "nemenyi"), "wilcoxon": ("wilcoxon_cliques", "wilcoxon_holm")}
TESTS = {"nemenyi": "Nemenyi's test", "wilcoxon": "Wilcoxon's test with Holm's correction"}


def ranks_caption(
    comparison: Comparison, alpha: float, test: str, gaps: bool = False, n_undrawn: int = 0
) -> str:
    """Return the caption of a critical-difference diagram.

    gaps: whether a bar passes a design outside its group; n_undrawn: groups that there was no room for.
    """
    parts = [_data(comparison)]
    friedman = comparison.these_checkpoints.friedman
    if friedman.p is None:
        parts.append(f"Average ranks only, no test. {why_no_test(comparison)}")
    else:
        cliques, decidable = CLIQUES[test]
        n_cliques = len(getattr(comparison.these_checkpoints, cliques) or [])
        bars = f"{TESTS[test]} at α = {alpha:g}: {_bars(n_cliques, gaps, n_undrawn, comparison.unit)}."
        if not comparison.undecidable.decidable[decidable]:
            bars = f"With so few tasks {TESTS[test]} cannot separate any pair at α = {alpha:g}."
        parts += [_friedman(comparison), bars]
    if comparison.rank_intervals:
        parts.append(f"Lines around the ranks: {100 * (1 - alpha):g} % intervals, tasks resampled.")
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
            f"{_friedman(comparison)} At α = {alpha:g} Wilcoxon's test with Holm's correction separates "
            f"{holm} and Nemenyi's test {nemenyi} of {len(tests.nemenyi.pairs)} pairs."
        )
    order = "Rows and columns stand in the order of the average ranks, which are printed in the rows."
    return f"{_data(comparison)} {found} {order} The claim is about these checkpoints."


def differences_caption(comparisons: Sequence[Comparison], alpha: float) -> str:
    """Return the caption of the differences to the control, and what their intervals speak of."""
    resampled = dict.fromkeys(c.differences.resampled for c in comparisons)
    units = [unit for unit in resampled if unit]
    text = (
        f"Difference of mean score to the control {comparisons[0].control} (hollow), "
        f"{comparisons[0].base}; N: tasks."
    )
    if not units:
        return text
    others = f", or {units[1]} alone," if len(units) > 1 else ""
    about = "designs" if all("runs" in unit for unit in units) else "checkpoints"
    intervals = f"Lines: {100 * (1 - alpha):g} % intervals, whole {units[0]}{others} resampled"
    return f"{text} {intervals}, without correction for their number. The claim is about these {about}."


def interaction_caption(comparisons: Sequence[Comparison]) -> str:
    """Return the caption of the interaction plot."""
    seeds, first = len(comparisons[0].seeds), comparisons[0]
    dots = ": large = mean over seeds, small = one seed" if seeds > 1 else ", one seed"
    text = f"Mean score by pooling and attention, {first.base}{dots}; N: tasks."
    tested = any((c.factors.anova or {}).get("interaction") for c in comparisons)
    anova = (
        " Interaction: analysis of variance over runs; this claim is about these designs." if tested else ""
    )
    return text + anova


def scores_caption(n_seeds: int) -> str:
    """Return the caption of the scores."""
    dots = ": large = mean over seeds, small = one seed" if n_seeds > 1 else ""
    return f"Main score{dots}; N: tasks."


def why_no_test(comparison: Comparison) -> str:
    """Return the sentence that says why a comparison has no test."""
    return comparison.undecidable.untestable or ""


def _data(comparison: Comparison) -> str:
    tasks, seeds = comparison.n_tasks, len(comparison.seeds)
    what = "All categories" if comparison.category == "All" else comparison.category
    averaged = f", mean of {seeds} seeds" if seeds > 1 else ""
    return (
        f"{what}, {comparison.base}: N = {counted(tasks, 'task')}, "
        f"k = {comparison.n_designs} {comparison.unit}s{averaged}."
    )


def _friedman(comparison: Comparison) -> str:
    test, gate = comparison.these_checkpoints.friedman, comparison.these_checkpoints.gate
    chi_square = f"χ² = {test.chi_square:.2f}, df = {test.df}, {p_text(test.p)}"
    if gate.categories > 1:
        closed = "" if gate.open else ", not significant"
        chi_square += f" ({p_text(gate.p_holm)} after Holm's correction over the categories{closed})"
    return f"Friedman's test: {chi_square}, Kendall's W = {test.kendall_w:.2f}."


def _bars(n_cliques: int, gaps: bool, n_undrawn: int, unit: str) -> str:
    if n_undrawn:
        return f"it leaves {n_undrawn} groups of {unit}s unseparated, too many to draw here"
    if not n_cliques:
        return f"it separates all {unit}s"
    thin = f"; where a bar is thin it passes a {unit} outside its group" if gaps else ""
    return f"bars join {unit}s that it does not separate{thin}"
