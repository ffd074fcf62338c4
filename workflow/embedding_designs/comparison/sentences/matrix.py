"""The legend of a matrix of verdicts, in a few words."""

from ..verdict_matrix import VerdictMatrix

CLAIMS = {
    "over_tasks": "could be the best on tasks like these (these checkpoints)",
    "over_runs": "could be the best over new trainings, on these tasks (these {unit}s)",
}
UNDECIDED = {1: "undecided: nothing is ruled out", 2: "undecided: marks disagree, or nothing is ruled out"}


def claims_in_words(matrix: VerdictMatrix) -> dict[str, str]:
    """Return what the mark of each kind of claim says. Keys: those of verdict_matrix.MARKS."""
    return {claim: CLAIMS[claim].format(unit=matrix.unit) for claim in matrix.claims}


def verdicts_in_words(matrix: VerdictMatrix) -> dict[str, str]:
    """Return what the color of each verdict says."""
    words = {
        "best": "could be the best",
        "undecided": UNDECIDED[max(1, len(matrix.claims))],
        "worse": "ruled out as the best",
    }
    return {verdict: words[verdict] for verdict in matrix.verdicts}


def matrix_note(matrix: VerdictMatrix, alpha: float) -> str:
    """Return what the numbers are, and how far the verdicts can be trusted."""
    confidence = f"{100 * (1 - alpha):g}%"
    note = "Numbers are mean scores."
    if matrix.claims:
        several = len(matrix.columns) > 1
        each = "each column by itself, not corrected for the number of categories" if several else ""
        note += f" Verdicts hold at {confidence} confidence{', ' * bool(each)}{each}."
    if matrix.ranks:
        note += (
            f" Ranks: all that a {matrix.unit} could have by mean score over all tasks, at {confidence} "
            "confidence for all of them at once."
        )
    return note
