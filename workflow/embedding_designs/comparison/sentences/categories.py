"""Puts the categories of one base side by side: which designs lead, and where tests separate any."""

from collections.abc import Iterator, Sequence

from ...common.wording import listing
from ..results import Comparison
from .phrases import leaders


def by_category(comparisons: Sequence[Comparison]) -> list[str]:
    """Return which designs lead in which categories, and in which of them the tests separate designs.

    comparisons: those of one base. With a single category, there is nothing to say.
    """
    categories = [comparison for comparison in comparisons if comparison.category != "All"]
    if len(categories) < 2:
        return []
    leads: dict[str, list[str]] = {}
    for comparison in (one for one in categories if len(leaders(one)) < one.n_designs):
        leads.setdefault(listing(leaders(comparison)), []).append(comparison.category)
    named = [f"{name} in {listing(where)}" for name, where in leads.items()]
    best = [f"Best average rank: {'; '.join(named)}."] if named else []
    return [*best, *_untestable(categories), *_apart(categories), *_over_runs(categories)]


def separates(comparison: Comparison) -> bool:
    """Return whether Friedman's test (after Holm) finds a difference, and Nemenyi's test separates a pair."""
    over_tasks = comparison.these_checkpoints
    return over_tasks.gate.open and any(pair.significant for pair in over_tasks.nemenyi.pairs)


def _untestable(categories: Sequence[Comparison]) -> Iterator[str]:
    """Yield in which categories nothing can be decided, and why."""
    by_reason: dict[str, list[str]] = {}
    for comparison in categories:
        if reason := comparison.undecidable.untestable:
            by_reason.setdefault(reason, []).append(comparison.category)
    for reason, names in by_reason.items():
        yield f"Nothing can be decided in {listing(names)}: {reason[0].lower()}{reason[1:]}"


def _apart(categories: Sequence[Comparison]) -> Iterator[str]:
    """Yield in which categories these checkpoints differ, of those that can be tested."""
    categories = [c for c in categories if not c.undecidable.untestable]
    separated = [c.category for c in categories if separates(c)]
    alike = [c.category for c in categories if c.category not in separated]
    undecidable = [c.category for c in categories if not c.undecidable.decidable["wilcoxon_holm"]]
    if separated:
        yield (
            "These checkpoints: Friedman's test (Holm's correction over the categories) finds a difference, "
            f"and Nemenyi's test separates at least one pair, in {listing(separated)}."
        )
    if alike:
        yield (
            f"These checkpoints: Friedman's and Nemenyi's tests do not separate any {categories[0].unit}s in "
            f"{listing(alike)}. Their order in these categories may be due to chance, which does not mean "
            f"that the {categories[0].unit}s are equal."
        )
    if undecidable:
        yield (
            "Wilcoxon's test with Holm's correction cannot decide anything, because of too few tasks or too "
            f"many ties, in {listing(undecidable)}."
        )


def _over_runs(categories: Sequence[Comparison]) -> Iterator[str]:
    """Yield in which categories these designs differ, by Tukey's test over runs."""
    claimed = [c for c in categories if not c.these_designs.refused]
    if not claimed:
        return
    apart = [c.category for c in claimed if any(pair.significant for pair in c.these_designs.pairs)]
    where = f"separates at least one pair in {listing(apart)}" if apart else "does not separate any pair"
    these = f"These {claimed[0].unit}s"
    yield f"{these}: Tukey's test over runs {where} (not corrected for the number of categories)."
