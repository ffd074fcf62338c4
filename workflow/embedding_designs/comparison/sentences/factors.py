"""Says which effects pooling and attention have, as far as the designs cross them."""

from collections.abc import Iterator

from ...common.wording import listing
from ..p_values import p_text
from ..results import Factors
from ..results_of_tests import FTest
from .phrases import f_text

EFFECTS = {
    "pooling": "the effect of pooling",
    "attention": "the effect of attention",
    "interaction": "their interaction",
}


def about_factors(effects: Factors, alpha: float, unit: str) -> Iterator[str]:
    """Yield one sentence on the main effects and the interaction, or why they cannot be estimated."""
    if not effects.anova:
        yield effects.reason
        return
    crossed = f"{listing(effects.crossed.poolings)} with {listing(effects.crossed.attentions)}"
    tests = [
        f"{_finding(name, test, alpha)} "
        f"({f_text(test)}; on aligned ranks, {p_text(effects.aligned_ranks[name].p)})"
        for name, test in effects.anova.items()
        if test.p is not None
    ]
    if tests:
        yield f"Over runs, for the {unit}s that cross {crossed}: {'; '.join(tests)}."
    generalizing = [
        f"{_finding(name, test, alpha)} (quasi-{f_text(test)})"
        for name, test in effects.quasi_f.items()
        if test.p is not None
    ]
    if generalizing:
        yield f"Over new runs and new tasks like these, for the same {unit}s: {'; '.join(generalizing)}."


def _finding(name: str, test: FTest, alpha: float) -> str:
    return f"{EFFECTS[name]} is {'significant' if test.p <= alpha else 'not significant'}"
