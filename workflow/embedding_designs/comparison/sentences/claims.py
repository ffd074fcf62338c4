"""Lists what the tests of one comparison found, each kind of claim under its own name."""

from collections.abc import Mapping

from ..results import Comparison
from .best_set import best_set
from .checkpoints import about_these_checkpoints, best_rank
from .designs import about_these_designs
from .together import in_all_categories
from .undecidable import cannot_be_decided
from .verdict import verdict

TESTED = {  # what the tests found, by kind of claim: its title, and what it is about
    "best_set": ("Best set", "all that could be the best"),
    "these_checkpoints": ("These checkpoints", "tests over tasks; newly trained ones may rank differently"),
    "these_designs": ("These {unit}s", "tests over runs; these findings hold for newly trained checkpoints"),
}


def findings(comparison: Comparison, alpha: float, rope: float) -> dict[str, list[str]]:
    """Return the sentences of one comparison by kind of claim, the most important first."""
    if comparison.undecidable.untestable:
        return {
            "verdict": [verdict(comparison, alpha)],
            "undecidable": [comparison.undecidable.untestable],
            "best_set": [],
            "these_checkpoints": [best_rank(comparison)],
            "these_designs": [],
        }
    return {
        "verdict": [verdict(comparison, alpha)],
        "undecidable": list(cannot_be_decided(comparison, alpha)),
        "best_set": [best_set(comparison, alpha), *in_all_categories(comparison, alpha)],
        "these_checkpoints": list(about_these_checkpoints(comparison, alpha, rope)),
        "these_designs": list(about_these_designs(comparison, alpha)),
    }


def tested(unit: str) -> dict[str, tuple[str, str]]:
    """Return the kinds of claim that tests support, with their titles, for designs or models."""
    return {kind: (title.format(unit=unit), about) for kind, (title, about) in TESTED.items()}


def scope(n_seeds: Mapping[str, int], unit: str) -> str:
    """Return which kinds of claim a study can make, given the number of seeds of each base."""
    if len(set(n_seeds.values())) == 1:
        return _scope(next(iter(n_seeds.values())), unit)
    return " ".join(f"{base}: {_scope(number, unit)}" for base, number in n_seeds.items())


def _scope(n_seeds: int, unit: str) -> str:
    if n_seeds >= 3:
        return (
            f"Tests over tasks average the {n_seeds} seeds first and are about these checkpoints; tests over "
            f"runs treat each seed as a replicate and are about the {unit}s. Only the second kind says "
            "how a newly trained checkpoint would do."
        )
    trained = f"One run of each {unit} was scored" if n_seeds == 1 else f"Two runs of each {unit} were scored"
    return (
        f"{trained}, so every finding is about these checkpoints on these tasks and says nothing about a "
        f"newly trained checkpoint of the same {unit}; that would take at least three seeds."
    )
