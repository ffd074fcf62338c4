"""Says in plain English what the rank tests of one comparison found.

Every sentence is made from one comparison of statistics.json; nothing is computed here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

MANY_PAIRS = 10  # more significant pairs than these are counted, and only those with the baseline are named


def findings(comparison: Mapping[str, Any], alpha: float, baseline: str) -> list[str]:
    """Return the sentences of one comparison, the most important first.

    baseline: the design that the others are compared with where too many pairs differ to name them all.
    """
    if comparison["friedman"]["p"] is None:
        return [_best(comparison), comparison["undecidable_reason"]]
    return [
        _best(comparison),
        _friedman(comparison, alpha),
        _nemenyi(comparison, alpha, baseline),
        _wilcoxon(comparison, baseline),
        _papers_rule(comparison["wilcoxon"]),
    ]


def scope(n_seeds: int) -> str:
    """Return what all findings are about: the trained checkpoints, not the designs as such."""
    averaged = f"the scores of {n_seeds} seeds averaged" if n_seeds > 1 else "one seed each"
    return (
        f"These findings speak of these checkpoints over these tasks, with {averaged}; "
        "they do not say how a newly trained checkpoint of the same design would rank."
    )


def why_undecidable(n_tasks: int, n_designs: int, category: str, alpha: float, smallest: float) -> str:
    """Return why Wilcoxon's test with Holm's correction can find nothing with so few tasks.

    smallest: the smallest p that the test can reach before the correction.
    """
    pairs = n_designs * (n_designs - 1) // 2
    return (
        f"With {_count(n_tasks, 'task')} Wilcoxon's test with Holm's correction over {_count(pairs, 'pair')} "
        f"cannot reach p = {alpha:g} at all (smallest attainable: {_short(smallest)} x {pairs}): "
        f"{'all tasks together decide' if category == 'All' else 'this category decides'} nothing by it."
    )


def p_text(p: float) -> str:
    """Return a p-value as it is printed: "p = 0.015", "p < 0.001"."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}" if p < 0.995 else "p = 1"


def _best(comparison: Mapping[str, Any]) -> str:
    ranks = comparison["average_ranks"]
    best = min(ranks.values())
    names = [name for name, rank in ranks.items() if abs(rank - best) < 1e-9]
    verb = "has the best average rank" if len(names) == 1 else "share the best average rank"
    scale = f"{best:.2f}, where 1 is best and {len(ranks)} worst; {_count(comparison['n_tasks'], 'task')}"
    return f"{_list(names)} {verb} ({scale})."


def _friedman(comparison: Mapping[str, Any], alpha: float) -> str:
    test = comparison["friedman"]
    chi_square = f"chi-square = {test['chi_square']:.1f}, df = {test['df']}"
    numbers = f"{chi_square}, {p_text(test['p'])}, W = {test['kendall_w']:.2f}"
    finding = "a difference" if test["p"] <= alpha else "no significant difference"
    return f"Friedman's test finds {finding} among the designs ({numbers})."


def _nemenyi(comparison: Mapping[str, Any], alpha: float, baseline: str) -> str:
    ranks, pairs = comparison["average_ranks"], comparison["nemenyi"]["pairs"]
    better = [
        sorted((pair["first"], pair["second"]), key=ranks.__getitem__)
        for pair in pairs
        if pair["significant"]
    ]
    test = f"Nemenyi's test (critical difference {comparison['nemenyi']['critical_difference']:.2f} ranks)"
    doubt = ""
    if better and comparison["friedman"]["p"] > alpha:
        doubt = " Friedman's test finds no difference to begin with, so this is a hint at most."
    return f"{test} {_verdict(better, len(pairs), ranks, baseline)}.{doubt}"


def _wilcoxon(comparison: Mapping[str, Any], baseline: str) -> str:
    if not comparison["decidable_by_wilcoxon_holm"]:
        return comparison["undecidable_reason"]
    pairs, ranks = comparison["wilcoxon"], comparison["average_ranks"]
    better = [
        [pair["first"], pair["second"]][:: 1 if pair["rank_biserial"] > 0 else -1]
        for pair in pairs
        if pair["significant_holm"]
    ]
    return f"Wilcoxon's test with Holm's correction {_verdict(better, len(pairs), ranks, baseline)}."


def _papers_rule(pairs: Sequence[Mapping[str, Any]]) -> str:
    called = [pair for pair in pairs if pair["significant_uncorrected"]]
    if not called:
        return "The paper's rule (uncorrected Wilcoxon) would call no pair significant either."
    vanish = sum(not pair["significant_holm"] for pair in called)
    fate = {0: "none", 1: "1", len(called): "all"}.get(vanish, str(vanish))
    fate = f"{fate} of them vanish{'es' if vanish == 1 else ''} under Holm's correction"
    if len(called) == 1:
        fate = "it vanishes under Holm's correction" if vanish else "it stands under Holm's correction"
    calls = f"would call {_count(len(called), 'pair')} significant"
    return f"The paper's rule (uncorrected Wilcoxon) {calls}; {fate}."


def _verdict(better: Sequence[Sequence[str]], n_pairs: int, ranks: Mapping[str, float], baseline: str) -> str:
    """Return "finds A better than B and C; …" for pairs of (better, worse)."""
    if not better:
        return "finds no pair of designs significantly different"
    if len(better) > MANY_PAIRS:
        told = _against_baseline(better, ranks, baseline)
        return f"finds {len(better)} of {n_pairs} pairs significantly different, {told}"
    worse: dict[str, list[str]] = {}
    for first, second in sorted(better, key=lambda pair: (ranks[pair[0]], ranks[pair[1]])):
        worse.setdefault(first, []).append(second)
    alike: dict[tuple[str, ...], list[str]] = {}  # designs that beat the same others are named together
    for name, others in worse.items():
        alike.setdefault(tuple(others), []).append(name)
    named = "; ".join(f"{_list(names)} better than {_list(others)}" for others, names in alike.items())
    rest = n_pairs - len(better)
    return f"finds {named}" + ("; every other pair is not significantly different" if rest else "")


def _against_baseline(better: Sequence[Sequence[str]], ranks: Mapping[str, float], baseline: str) -> str:
    above = sorted((first for first, second in better if second == baseline), key=ranks.__getitem__)
    below = sorted((second for first, second in better if first == baseline), key=ranks.__getitem__)
    told = [f"{_list(above)} better than the baseline {baseline}"] if above else []
    told += [f"{_list(below)} worse than the baseline {baseline}"] if below else []
    return f"among them {'; '.join(told)}" if told else f"none of them with the baseline {baseline}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _short(p: float) -> str:
    return f"{p:.4f}".rstrip("0") if p >= 0.0001 else f"{p:.1e}"
