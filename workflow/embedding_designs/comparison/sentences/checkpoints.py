"""Says what the tests over tasks found, which is about these checkpoints."""

from collections.abc import Iterator, Sequence

from ...common.wording import counted, listing
from ..p_values import p_text
from ..results import Comparison, TheseCheckpoints
from ..results_of_tests import EquivalencePair, NemenyiPair, PapersRule
from ..statistics.pairwise import EXACT
from .phrases import MANY_PAIRS, better_and_worse, leaders, pairs_found, permutation_p


def about_these_checkpoints(comparison: Comparison, alpha: float, rope: float) -> Iterator[str]:
    """Yield the findings of the tests over tasks that can decide something."""
    over_tasks, decidable = comparison.these_checkpoints, comparison.undecidable.decidable
    unit = comparison.unit
    yield best_rank(comparison)
    yield _friedman(over_tasks, alpha, unit)
    if decidable["nemenyi"]:
        yield _nemenyi(comparison)
        yield from _pool_dependence(over_tasks.nemenyi.pairs, unit)
    if decidable["wilcoxon_holm"]:
        yield _wilcoxon(comparison)
        yield from _shaffer(comparison)
    if decidable["control_holm"]:
        yield _against_control(comparison)
    if over_tasks.friedman.p > alpha and _anything_found(over_tasks):
        yield (
            "Because Friedman's test finds no significant difference, the findings of the other tests are "
            "only suggestive."
        )
    if over_tasks.equivalence is not None and decidable["equivalence"]:
        yield _equivalence(over_tasks.equivalence, rope)
    yield _papers_rule(over_tasks.papers_rule)


def best_rank(comparison: Comparison) -> str:
    """Return which designs have the best average rank."""
    ranks = comparison.average_ranks
    best, names = min(ranks.values()), leaders(comparison)
    verb = "has the best average rank" if len(names) == 1 else "share the best average rank"
    tasks = counted(comparison.n_tasks, "task")
    return f"{listing(names)} {verb} ({best:.2f}, where 1 is best and {len(ranks)} is worst; {tasks})."


def _anything_found(over_tasks: TheseCheckpoints) -> bool:
    return (
        any(pair.significant for pair in over_tasks.nemenyi.pairs)
        or any(pair.significant_holm for pair in over_tasks.wilcoxon)
        or any(against.significant for against in over_tasks.against_control)
    )


def _friedman(over_tasks: TheseCheckpoints, alpha: float, unit: str) -> str:
    test, gate = over_tasks.friedman, over_tasks.gate
    chi_square = f"chi-square = {test.chi_square:.1f}, df = {test.df}"
    numbers = f"{chi_square}, {p_text(test.p)}, {permutation_p(test)}W = {test.kendall_w:.2f}"
    finding = "a difference" if test.p <= alpha else "no significant difference"
    sentence = f"Friedman's test finds {finding} among the {unit}s ({numbers})"
    if gate.categories == 1 or test.p > alpha:
        return f"{sentence}."
    after = f"after Holm's correction over the {gate.categories} categories ({p_text(gate.p_holm)})"
    if gate.open:
        return f"{sentence}; it remains significant {after}."
    return f"{sentence}; it is not significant {after}, so differences between pairs are only suggestive."


def _nemenyi(comparison: Comparison) -> str:
    over_tasks, ranks = comparison.these_checkpoints, comparison.average_ranks
    pairs = over_tasks.nemenyi.pairs
    better = [sorted((pair.first, pair.second), key=ranks.__getitem__) for pair in pairs if pair.significant]
    test = f"Nemenyi's test (critical difference {over_tasks.nemenyi.critical_difference:.2f} ranks)"
    return f"{test} {pairs_found(better, len(pairs), ranks, comparison)}."


def _pool_dependence(pairs: Sequence[NemenyiPair], unit: str) -> Iterator[str]:
    known = [pair for pair in pairs if pair.flips is not None]
    flipping = [pair for pair in known if pair.flips > 0]
    if flipping:
        most = max(flipping, key=lambda pair: pair.flips)
        yield (
            f"For {len(flipping)} of {counted(len(known), 'pair')}, Nemenyi's verdict depends on which other "
            f"{unit}s are compared; the verdict on {most.first} and {most.second} flips most often, in "
            f"{most.flips:.0%} of the sub-pools."
        )
    elif known:
        yield f"Nemenyi's verdicts are the same in every sub-pool of these {unit}s."


def _wilcoxon(comparison: Comparison) -> str:
    pairs, ranks = comparison.these_checkpoints.wilcoxon, comparison.average_ranks
    better = [pair.better_first for pair in pairs if pair.significant_holm]
    found = pairs_found(better, len(pairs), ranks, comparison)
    normal = f" (normal approximation, as there are more than {EXACT} tasks)"
    how = normal if comparison.n_tasks > EXACT else ""
    return f"Wilcoxon's test with Holm's correction{how} {found}."


def _shaffer(comparison: Comparison) -> Iterator[str]:
    """Yield what Shaffer's correction finds, if the study asks for it."""
    pairs, ranks = comparison.these_checkpoints.wilcoxon, comparison.average_ranks
    if any(pair.significant_shaffer is not None for pair in pairs):
        better = [pair.better_first for pair in pairs if pair.significant_shaffer]
        yield f"With Shaffer's correction, it {pairs_found(better, len(pairs), ranks, comparison)}."


def _against_control(comparison: Comparison) -> str:
    rows, unit = comparison.these_checkpoints.against_control, comparison.unit
    found = better_and_worse({row.design: row.rank_difference for row in rows if row.significant}, unit)
    test = f"tests on ranks, Holm's correction over {counted(len(rows), unit)}"
    return f"Compared only with the control {comparison.control} ({test}), {found}."


def _equivalence(rows: Sequence[EquivalencePair], rope: float) -> str:
    equal = [f"{row.first} and {row.second}" for row in rows if row.verdict == "equivalent"]
    test = f"(typical score difference below {rope:g}; Bayesian signed-rank test, probability above 0.95)"
    if not equal:
        return f"No pair is shown to be practically equivalent {test}."
    named = "; ".join(equal) if len(equal) <= MANY_PAIRS else f"{len(equal)} of {len(rows)} pairs"
    return f"Practically equivalent {test}: {named}."


def _papers_rule(rule: PapersRule) -> str:
    rule_name, called = "The paper's rule (uncorrected Wilcoxon)", len(rule.called)
    if not called:
        return f"{rule_name} would not call any pair significant."
    return f"{rule_name} would call {counted(called, 'pair')} significant; {_after_holm(rule)}."


def _after_holm(rule: PapersRule) -> str:
    called, lost = len(rule.called), len(rule.vanish)
    if called == 1:
        return f"it {'is no longer' if lost else 'remains'} significant after Holm's correction"
    if not lost:
        return "all of them remain significant after Holm's correction"
    if lost == called:
        return "none of them remains significant after Holm's correction"
    named = "; ".join(f"{better} over {worse}" for better, worse in rule.vanish)
    pairs = f" ({named})" if lost <= MANY_PAIRS else ""
    verb = "is" if lost == 1 else "are"
    return f"{lost} of them {verb} no longer significant after Holm's correction{pairs}"
