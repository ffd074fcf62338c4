"""Says first what a reader wants to know: which design to use, or what is tied for first, or undecided."""

from collections.abc import Iterator, Mapping, Sequence

from ...common.wording import counted, listing
from ..results import Comparison

TASKS, MEANS, RANKS, TRAININGS = (
    "on tasks like these",
    "by mean score on tasks like these",
    "by average rank",
    "over new trainings",
)
NAMED = 4  # names that a verdict lists; of more, it names the first ones and counts the others


def verdict(comparison: Comparison, alpha: float) -> str:
    """Return which design to use, or which are tied for first, by each kind of claim that can be tested.

    "Use" requires that the mean scores, over tasks or over runs, rule out every other design, and that the
    average rank does not rule out this one.
    """
    claims = _claims(comparison)
    if not claims:
        return " ".join(["Undecided.", *_why_untested(comparison), *_highest_mean(comparison)])
    text = _in_words(_alike(claims), decided(comparison), comparison)
    each = "each at " if len(claims) > 1 else ""
    claim = f"{text} ({each}{100 * (1 - alpha):g}% confidence)."
    return " ".join([claim, *_why_untested(comparison), *_about_trainings(comparison)])


def decided(comparison: Comparison) -> str | None:
    """Return the design that a verdict recommends, or None if none can be recommended."""
    claims = _claims(comparison)
    leader = highest_means(comparison)[0]
    singled_out = any(claims.get(where) == [leader] for where in (TASKS, MEANS, TRAININGS))
    return leader if singled_out and leader in claims.get(RANKS, [leader]) else None


def highest_means(comparison: Comparison) -> list[str]:
    """Return the designs with the highest mean score, more than one if they tie."""
    means = comparison.mean_scores
    highest = max(means.values())
    return [name for name, mean in means.items() if highest - mean < 1e-9]


def _claims(comparison: Comparison) -> dict[str, list[str]]:
    """Return the best set of each kind of claim that can be tested, by where it holds.

    At an alpha above 0.5, the set over runs can be empty; it is then left out.
    """
    by_score, by_rank = comparison.these_checkpoints.best_by_score, comparison.these_checkpoints.best_by_rank
    over_runs, claims = comparison.these_designs.best, {}
    if not by_score.reason:
        same = set(by_score.best_set) == set(by_rank.best_set)
        claims = {TASKS: by_score.best_set} if same else {MEANS: by_score.best_set, RANKS: by_rank.best_set}
    if over_runs is not None and over_runs.best_set and not over_runs.reason:
        claims[TRAININGS] = over_runs.best_set
    return claims


def _alike(claims: Mapping[str, Sequence[str]]) -> list[tuple[str, Sequence[str]]]:
    """Return the best sets that differ, each with all the places where it holds."""
    places: dict[frozenset[str], list[str]] = {}
    for where, names in claims.items():
        places.setdefault(frozenset(names), []).append(where)
    return [(listing(wheres), claims[wheres[0]]) for wheres in places.values()]


def _in_words(sets: Sequence[tuple[str, Sequence[str]]], use: str | None, comparison: Comparison) -> str:
    if use is not None:
        first, *later = [f"{where}, {_others(names, use, comparison)}" for where, names in sets]
        later = [clause.replace("could be the best, too", "could be, too") for clause in later]
        return f"Use {use}. {'; '.join([first[0].upper() + first[1:], *later])}"
    if len(sets) == 1 and len(sets[0][1]) == comparison.n_designs:
        return f"Undecided: {_named(sets[0][1], comparison)} could be the best {sets[0][0]}"
    depends = len(set.intersection(*(set(names) for _, names in sets))) == 0
    lead = "The best depends on the measure" if depends else "Tied for first"
    return f"{lead}: {'; '.join(f'{_named(names, comparison)} {where}' for where, names in sets)}"


def _others(names: Sequence[str], use: str, comparison: Comparison) -> str:
    """Return which designs could be the best beside the recommended one."""
    others, unit = [name for name in names if name != use], comparison.unit
    if not others:
        return f"no other {unit} could be the best"
    if len(names) == comparison.n_designs > 2:
        return f"any other {unit} could be the best, too"
    shown = listing(others) if len(others) <= NAMED else f"{len(others)} other {unit}s"
    return f"{shown} could be the best, too"


def _named(names: Sequence[str], comparison: Comparison) -> str:
    if len(names) == 1:
        return f"only {names[0]}"
    if len(names) == comparison.n_designs:
        size = comparison.n_designs
        return f"either {comparison.unit}" if size == 2 else f"any of the {size} {comparison.unit}s"
    return listing(names, NAMED) + (
        f" of the {comparison.n_designs} {comparison.unit}s" if len(names) > NAMED else ""
    )


def _why_untested(comparison: Comparison) -> Iterator[str]:
    if reason := comparison.these_checkpoints.best_by_score.reason:
        yield reason


def _highest_mean(comparison: Comparison) -> Iterator[str]:
    """Yield what the scores say without a test, unless all are equal."""
    names = highest_means(comparison)
    if len(names) < comparison.n_designs:
        shown = listing(names) if len(names) <= NAMED else counted(len(names), comparison.unit)
        most = "higher" if comparison.n_designs == 2 else "highest"
        yield f"{shown} {'has' if len(names) == 1 else 'share'} the {most} mean score."


def _about_trainings(comparison: Comparison) -> Iterator[str]:
    """Yield that too few seeds were trained to say anything about new trainings of designs."""
    if comparison.unit == "design" and comparison.these_designs.refused:
        seeds = counted(len(comparison.seeds), "seed")
        yield f"With {seeds}, nothing can be said about new trainings."
