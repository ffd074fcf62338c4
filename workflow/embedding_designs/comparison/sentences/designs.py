"""Says what the tests over runs found, which is about these designs."""

from collections.abc import Iterator

from ..p_values import p_text
from ..results import Comparison, TheseDesigns
from ..results_of_tests import QuasiF
from .factors import about_factors
from .phrases import better_and_worse, f_text, pairs_found

_ONE_RUN_EACH = (
    "Each model is one checkpoint, so nothing can be said about newly trained ones; that would take at least "
    "three seeds."
)


def about_these_designs(comparison: Comparison, alpha: float) -> Iterator[str]:
    """Yield the findings of the tests over runs, or only why there are none."""
    claim = comparison.these_designs
    if claim.refused:
        published = comparison.unit == "model" and len(comparison.seeds) == 1
        yield _ONE_RUN_EACH if published else claim.refused
        return
    one_way, quasi = claim.one_way, claim.quasi_f
    if one_way.p is None:
        yield one_way.reason
        return
    yield _over_runs(claim, alpha, comparison.unit)
    if quasi.p is not None:
        yield _over_tasks_too(quasi, alpha)
    yield _tukey(comparison)
    yield _dunnett(comparison)
    yield from about_factors(comparison.factors, alpha, comparison.unit)


def _over_runs(claim: TheseDesigns, alpha: float, unit: str) -> str:
    one_way = claim.one_way
    finding = "a difference" if one_way.p <= alpha else "no significant difference"
    variants = [
        f"; {name}: {p_text(test.p)}"
        for test, name in ((claim.welch, "Welch, for unequal spreads"), (claim.one_way_on_ranks, "on ranks"))
        if test.p is not None
    ]
    numbers = f"{f_text(one_way)}{''.join(variants)}"
    return f"Over runs, analysis of variance finds {finding} among the {unit}s ({numbers})."


def _over_tasks_too(quasi: QuasiF, alpha: float) -> str:
    finding = "a difference generalizes" if quasi.p <= alpha else "no difference is shown to generalize"
    return (
        f"If the tasks are treated as a random sample as well, {finding} to other tasks like these "
        f"(quasi-{f_text(quasi)})."
    )


def _tukey(comparison: Comparison) -> str:
    pairs, means = comparison.these_designs.pairs, comparison.mean_scores
    better = [
        sorted((pair.first, pair.second), key=means.__getitem__, reverse=True)
        for pair in pairs
        if pair.significant
    ]
    order = {name: -mean for name, mean in means.items()}
    return f"Tukey's test over runs {pairs_found(better, len(pairs), order, comparison)}."


def _dunnett(comparison: Comparison) -> str:
    rows = comparison.these_designs.against_control
    found = better_and_worse({row.design: row.difference for row in rows if row.significant}, comparison.unit)
    return f"Compared only with the control {comparison.control} (Dunnett's test over runs), {found}."
