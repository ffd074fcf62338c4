"""The legend of a matrix of verdicts, in a few words."""

from collections.abc import Sequence

from ...common.wording import NAMED, listing
from ..verdict_matrix import HOLLOW, MARKS, VerdictMatrix

CLAIMS = {
    "over_tasks": "on tasks like these (these checkpoints)",
    "over_runs": "over new trainings (these {unit}s)",
}
DOUBTFUL = "only if corrected for the number of categories"
UNDECIDED = {1: "undecided: nothing ruled out", 2: "undecided: marks disagree, or nothing ruled out"}


def claims_in_words(matrix: VerdictMatrix) -> dict[str, str]:
    """Return for each kind of claim where a design with its mark could be the best."""
    return {claim: CLAIMS[claim].format(unit=matrix.unit) for claim in matrix.claims}


def marks_in_words(matrix: VerdictMatrix) -> dict[str, str]:
    """Return what each mark says, after "Could be the best:"."""
    marks = {MARKS[claim]: words for claim, words in claims_in_words(matrix).items()}
    hollow = "".join(HOLLOW[claim] for claim in matrix.doubtful)
    return marks | ({hollow: DOUBTFUL} if hollow else {})


def verdicts_in_words(matrix: VerdictMatrix) -> dict[str, str]:
    """Return what the color of each verdict says."""
    words = {
        "best": "in the best set",
        "undecided": UNDECIDED[max(1, len(matrix.claims))],
        "worse": "ruled out as the best",
    }
    return {verdict: words[verdict] for verdict in matrix.verdicts}


def matrix_note(matrix: VerdictMatrix, alpha: float, not_compared: Sequence[str] = ()) -> str:
    """Return what the numbers are, how far the verdicts can be trusted, and which designs are missing.

    not_compared: the designs that a collapsed run excludes.
    """
    confidence = f"{100 * (1 - alpha):g}%"
    note = "Numbers are mean scores."
    if matrix.claims:
        several = len(matrix.columns) > 1
        each = "each column by itself, not corrected for the number of categories"
        hollow = "; a hollow mark shows what Bonferroni's correction would change" if matrix.doubtful else ""
        alone = f", {each}{hollow}" if several else ""
        note += f" Verdicts are by mean score and hold at {confidence} confidence{alone}."
    if matrix.ranks:
        note += (
            f" Ranks: all that a {matrix.unit} could have by mean score over all tasks, at {confidence} "
            "confidence for all of them at once."
        )
    if not_compared:
        each = "" if len(not_compared) == 1 else " of each"
        note += f" Not compared, because a run{each} collapsed: {listing(not_compared, NAMED)}."
    return note
