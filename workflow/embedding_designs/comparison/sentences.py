"""Says in plain English what the tests of one comparison found, each kind of claim under its own name.

Every sentence is made from one comparison of statistics.json; nothing is computed here.
"""

from collections.abc import Iterator, Mapping, Sequence

from ..common.wording import counted, listing
from .p_values import p_text, p_value
from .results import Comparison, Factors, TheseCheckpoints, TheseDesigns
from .results_of_tests import (
    ControlTest,
    Detected,
    DetectedOverTasks,
    DunnettTest,
    EquivalencePair,
    FTest,
    NemenyiPair,
    PapersRule,
    QuasiF,
)

MANY_PAIRS = 10  # more pairs than these are counted, and only those with the control are named
TESTS = {  # that give a p-value over tasks
    "friedman": "Friedman's test",
    "nemenyi": "Nemenyi's test",
    "wilcoxon_holm": "Wilcoxon's test with Holm's correction over {family}",
    "control_holm": "the test against the control with Holm's correction over {family}",
}
CLAIMS = {
    "undecidable": "What cannot be decided here",
    "these_checkpoints": "These checkpoints (tests over tasks; a newly trained one may rank otherwise)",
    "these_designs": "These designs (tests over runs; what holds for newly trained checkpoints)",
}


def findings(comparison: Comparison, alpha: float, rope: float) -> dict[str, list[str]]:
    """Return the sentences of one comparison by kind of claim (CLAIMS), the most important first."""
    if comparison.undecidable.untestable:
        return {
            "undecidable": [comparison.undecidable.untestable],
            "these_checkpoints": [_best(comparison)],
            "these_designs": [],
        }
    return {
        "undecidable": list(_undecidable(comparison, alpha)),
        "these_checkpoints": list(_these_checkpoints(comparison, alpha, rope)),
        "these_designs": list(_these_designs(comparison, alpha)),
    }


def scope(n_seeds: Mapping[str, int], unit: str) -> str:
    """Return which kinds of claim a study can make whose bases have so many seeds: {base: seeds}."""
    if len(set(n_seeds.values())) == 1:
        return _scope(next(iter(n_seeds.values())), unit)
    return " ".join(f"{base}: {_scope(number, unit)}" for base, number in n_seeds.items())


def _scope(n_seeds: int, unit: str) -> str:
    if n_seeds >= 3:
        return (
            f"Tests over tasks average the {n_seeds} seeds first and speak of these checkpoints; tests over "
            "runs take each seed as a replicate and speak of the designs. Only the second kind says how a "
            "newly trained checkpoint would do."
        )
    trained = f"One run of each {unit} was scored" if n_seeds == 1 else f"Two runs of each {unit} were scored"
    return (
        f"{trained}: every finding speaks of these checkpoints over these tasks and says nothing about a "
        f"newly trained checkpoint of the same {unit}; for that at least three seeds are needed."
    )


def _undecidable(comparison: Comparison, alpha: float) -> Iterator[str]:
    decidable = comparison.undecidable.decidable
    if hopeless := [test for test in TESTS if not decidable[test]]:
        yield _too_few_tasks(comparison, hopeless, alpha)
    if comparison.these_checkpoints.equivalence is not None and not decidable["equivalence"]:
        tasks = counted(comparison.n_tasks, "task")
        yield f"With {tasks} practical equivalence cannot be shown: the prior of its test could decide."
    detectable = comparison.undecidable.detectable
    yield from _detectable_over_tasks(comparison, detectable.checkpoints, detectable.power)
    if not comparison.these_designs.refused:
        size, found = len(comparison.seeds), detectable.designs
        needed = (found.seeds_needed or 0, "seed")
        what = "Between newly trained runs"
        yield _detectable(what, comparison.unit, found, size, needed, detectable.power)


def _too_few_tasks(comparison: Comparison, hopeless: Sequence[str], alpha: float) -> str:
    smallest = comparison.undecidable.attainable
    needed, k = smallest.tasks_needed, comparison.n_designs
    families = {"wilcoxon_holm": counted(k * (k - 1) // 2, "pair"), "control_holm": str(k - 1)}
    told = [
        f"{TESTS[test].format(family=families.get(test))} (smallest attainable: "
        f"{p_value(getattr(smallest, test))}; {needed[test]} tasks are the fewest that could)"
        for test in hopeless
    ]
    where = "all tasks together decide" if comparison.category == "All" else "this category decides"
    return (
        f"With {counted(comparison.n_tasks, 'task')} p = {alpha:g} cannot be reached at all, whatever the "
        f"scores, by {listing(told)}: {where} nothing by {'it' if len(told) == 1 else 'them'}."
    )


def _detectable_over_tasks(comparison: Comparison, found: DetectedOverTasks, power: float) -> Iterator[str]:
    attainable = comparison.undecidable.attainable.tasks_needed["wilcoxon_holm"]
    needed = max(found.tasks_needed, attainable) if found.tasks_needed else 0
    size = comparison.n_tasks
    yield _detectable("Over these tasks", comparison.unit, found, size, (needed, "task"), power)


def _detectable(
    what: str, unit: str, found: Detected, size: int, needed: tuple[int, str], power: float
) -> str:
    """Say what t tests would find. needed: how many tasks or seeds the largest difference seen would take."""
    number, of = needed
    if found.difference is None:
        return found.reason
    enough = f"; to find it with that power {counted(number, of)} would be needed" if number > size else ""
    return (
        f"{what} a pair of {unit}s must differ by {found.difference:.3f} in mean score to be told apart "
        f"with {power:.0%} power (by t tests with Bonferroni's correction, given the spread seen here); the "
        f"largest difference seen is {found.observed:.3f}{enough}."
    )


def _these_checkpoints(comparison: Comparison, alpha: float, rope: float) -> Iterator[str]:
    over_tasks, decidable = comparison.these_checkpoints, comparison.undecidable.decidable
    unit = comparison.unit
    yield _best(comparison)
    yield _friedman(over_tasks, alpha, unit)
    if decidable["nemenyi"]:
        yield _nemenyi(comparison)
        yield from _pool_dependence(over_tasks.nemenyi.pairs, unit)
    if decidable["wilcoxon_holm"]:
        yield _wilcoxon(comparison)
    if decidable["control_holm"]:
        yield _against_control(over_tasks.against_control, comparison.control, unit)
    if over_tasks.friedman.p > alpha and _anything_found(over_tasks):
        doubt = "what the other tests find is a hint at most"
        yield f"Friedman's test finds no difference to begin with: {doubt}."
    if over_tasks.equivalence is not None and decidable["equivalence"]:
        yield _equivalence(over_tasks.equivalence, rope)
    yield _papers_rule(over_tasks.papers_rule)


def _anything_found(over_tasks: TheseCheckpoints) -> bool:
    return (
        any(pair.significant for pair in over_tasks.nemenyi.pairs)
        or any(pair.significant_holm for pair in over_tasks.wilcoxon)
        or any(against.significant for against in over_tasks.against_control)
    )


def _best(comparison: Comparison) -> str:
    ranks = comparison.average_ranks
    best = min(ranks.values())
    names = [name for name, rank in ranks.items() if abs(rank - best) < 1e-9]
    verb = "has the best average rank" if len(names) == 1 else "share the best average rank"
    scale = f"{best:.2f}, where 1 is best and {len(ranks)} worst; {counted(comparison.n_tasks, 'task')}"
    return f"{listing(names)} {verb} ({scale})."


def _friedman(over_tasks: TheseCheckpoints, alpha: float, unit: str) -> str:
    test, gate = over_tasks.friedman, over_tasks.gate
    chi_square = f"chi-square = {test.chi_square:.1f}, df = {test.df}"
    numbers = f"{chi_square}, {p_text(test.p)}, W = {test.kendall_w:.2f}"
    finding = "a difference" if test.p <= alpha else "no significant difference"
    told = f"Friedman's test finds {finding} among the {unit}s ({numbers})"
    if gate.categories == 1 or test.p > alpha:
        return f"{told}."
    among = f"Holm's correction over the {gate.categories} categories"
    if gate.open:
        return f"{told}; it stands under {among} ({p_text(gate.p_holm)})."
    return f"{told}; it does not stand under {among} ({p_text(gate.p_holm)}): the pairs are hints at most."


def _nemenyi(comparison: Comparison) -> str:
    over_tasks, ranks = comparison.these_checkpoints, comparison.average_ranks
    pairs = over_tasks.nemenyi.pairs
    better = [sorted((pair.first, pair.second), key=ranks.__getitem__) for pair in pairs if pair.significant]
    test = f"Nemenyi's test (critical difference {over_tasks.nemenyi.critical_difference:.2f} ranks)"
    return f"{test} {_verdict(better, len(pairs), ranks, comparison)}."


def _pool_dependence(pairs: Sequence[NemenyiPair], unit: str) -> Iterator[str]:
    known = [pair for pair in pairs if pair.flips is not None]
    turning = [pair for pair in known if pair.flips > 0]
    if turning:
        most = max(turning, key=lambda pair: pair.flips)
        yield (
            f"In {len(turning)} of {counted(len(known), 'pair')} Nemenyi's verdict depends on which other "
            f"{unit}s are compared; most for {most.first} and {most.second}, where it is the other one "
            f"in {most.flips:.0%} of the sub-pools."
        )
    elif known:
        yield f"Nemenyi's verdicts are the same in every sub-pool of these {unit}s."


def _wilcoxon(comparison: Comparison) -> str:
    pairs, ranks = comparison.these_checkpoints.wilcoxon, comparison.average_ranks
    better = [pair.better_first for pair in pairs if pair.significant_holm]
    verdict = _verdict(better, len(pairs), ranks, comparison)
    return f"Wilcoxon's test with Holm's correction {verdict}."


def _against_control(rows: Sequence[ControlTest], control: str, unit: str) -> str:
    found = _better_and_worse({row.design: row.rank_difference for row in rows if row.significant}, unit)
    family = counted(len(rows), unit)
    return f"Against the control {control} alone (Holm over {family}) ranks tell {found}."


def _dunnett(rows: Sequence[DunnettTest], control: str) -> str:
    found = _better_and_worse({row.design: row.difference for row in rows if row.significant}, "design")
    return f"Against the control {control} alone Dunnett's test over runs tells {found}."


def _better_and_worse(found: Mapping[str, float], unit: str) -> str:
    """Return in words which designs are better and worse. found: the significant differences by design."""
    names = sorted(found, key=lambda name: -found[name])
    above = [name for name in names if found[name] > 0]
    below = [name for name in names if found[name] < 0]
    told = [f"{_some(above, unit)} better"] if above else []
    told += [f"{_some(below, unit)} worse"] if below else []
    return " and ".join(told) if told else f"no {unit} significantly better or worse"


def _equivalence(rows: Sequence[EquivalencePair], rope: float) -> str:
    equal = [f"{row.first} and {row.second}" for row in rows if row.verdict == "equivalent"]
    closer = f"(typical difference of scores below {rope:g}, Bayesian signed-rank test, probability 0.95)"
    if not equal:
        return f"No pair is shown to be practically equivalent {closer}."
    named = "; ".join(equal) if len(equal) <= MANY_PAIRS else f"{len(equal)} of {len(rows)} pairs"
    return f"Practically equivalent {closer}: {named}."


def _papers_rule(rule: PapersRule) -> str:
    called, vanish = rule.called, rule.vanish
    if not called:
        return "The paper's rule (uncorrected Wilcoxon) would call no pair significant either."
    fate = {0: "none", 1: "1", len(called): "all"}.get(len(vanish), str(len(vanish)))
    fate = f"{fate} of them vanish{'es' if len(vanish) == 1 else ''} under Holm's correction"
    if len(called) == 1:
        fate = "it vanishes under Holm's correction" if vanish else "it stands under Holm's correction"
    if 0 < len(vanish) <= MANY_PAIRS and len(vanish) < len(called):
        fate += f" ({'; '.join(f'{better} over {worse}' for better, worse in vanish)})"
    calls = f"would call {counted(len(called), 'pair')} significant"
    return f"The paper's rule (uncorrected Wilcoxon) {calls}; {fate}."


def _these_designs(comparison: Comparison, alpha: float) -> Iterator[str]:
    claim = comparison.these_designs
    if claim.refused:
        yield claim.refused
        return
    one_way, quasi = claim.one_way, claim.quasi_f
    if one_way.p is None:
        yield one_way.reason
        return
    yield _over_runs(claim, alpha)
    if quasi.p is not None:
        yield _over_tasks_too(quasi, alpha)
    yield _tukey(comparison)
    yield _dunnett(claim.against_control, comparison.control)
    yield from _factors(comparison.factors, alpha)


def _over_runs(claim: TheseDesigns, alpha: float) -> str:
    one_way = claim.one_way
    finding = "a difference" if one_way.p <= alpha else "no significant difference"
    beside = [
        f"; {name} {p_text(test.p)}"
        for test, name in ((claim.welch, "with unequal spreads, Welch"), (claim.aligned_ranks, "on ranks"))
        if test.p is not None
    ]
    numbers = f"{_f_text(one_way)}{''.join(beside)}"
    return f"Over runs, analysis of variance finds {finding} among the designs ({numbers})."


def _over_tasks_too(quasi: QuasiF, alpha: float) -> str:
    carries = "carries over" if quasi.p <= alpha else "is not shown to carry over"
    return f"With tasks random too, a difference {carries} to tasks like these (quasi-{_f_text(quasi)})."


def _tukey(comparison: Comparison) -> str:
    pairs, means = comparison.these_designs.pairs, comparison.mean_scores
    better = [
        sorted((pair.first, pair.second), key=means.__getitem__, reverse=True)
        for pair in pairs
        if pair.significant
    ]
    order = {name: -mean for name, mean in means.items()}
    return f"Tukey's test over runs {_verdict(better, len(pairs), order, comparison)}."


def _factors(effects: Factors, alpha: float) -> Iterator[str]:
    if not effects.anova:
        yield effects.reason
        return
    crossed = f"{listing(effects.crossed.poolings)} with {listing(effects.crossed.attentions)}"
    tests = [
        f"{name} {'matters' if test.p <= alpha else 'is not shown to matter'} "
        f"({_f_text(test)}; on aligned ranks {p_text(effects.aligned_ranks[name].p)})"
        for name, test in effects.anova.items()
        if test.p is not None
    ]
    if tests:
        yield f"Where the designs cross {crossed}, over runs: {'; '.join(tests)}."


def _f_text(test: FTest) -> str:
    return f"F({test.df1:.3g}, {test.df2:.3g}) = {test.f:.2f}, {p_text(test.p)}"


def _verdict(
    better: Sequence[Sequence[str]], n_pairs: int, ranks: Mapping[str, float], comparison: Comparison
) -> str:
    """Return "finds A better than B and C; …" for pairs of (better, worse)."""
    if not better:
        return f"finds no pair of {comparison.unit}s significantly different"
    if len(better) > MANY_PAIRS:
        told = _with_control(better, ranks, comparison.control, comparison.unit)
        return f"finds {len(better)} of {n_pairs} pairs significantly different, {told}"
    worse: dict[str, list[str]] = {}
    for first, second in sorted(better, key=lambda pair: (ranks[pair[0]], ranks[pair[1]])):
        worse.setdefault(first, []).append(second)
    alike: dict[tuple[str, ...], list[str]] = {}  # designs that beat the same others are named together
    for name, others in worse.items():
        alike.setdefault(tuple(others), []).append(name)
    named = "; ".join(f"{listing(names)} better than {listing(others)}" for others, names in alike.items())
    rest = n_pairs - len(better)
    return f"finds {named}" + ("; every other pair is not significantly different" if rest else "")


def _with_control(
    better: Sequence[Sequence[str]], ranks: Mapping[str, float], control: str, unit: str
) -> str:
    above = sorted((first for first, second in better if second == control), key=ranks.__getitem__)
    below = sorted((second for first, second in better if first == control), key=ranks.__getitem__)
    told = [f"{_some(above, unit)} better than the control {control}"] if above else []
    told += [f"{_some(below, unit)} worse than the control {control}"] if below else []
    return f"among them {'; '.join(told)}" if told else f"none of them with the control {control}"


def _some(names: Sequence[str], unit: str) -> str:
    return listing(names) if len(names) <= MANY_PAIRS else counted(len(names), unit)
