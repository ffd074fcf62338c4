"""The first thing on the findings page: the verdict on one base, and its matrix."""

from collections.abc import Sequence
from dataclasses import dataclass

from ...comparison.results import Comparison
from ...comparison.sentences.matrix import marks_in_words, matrix_note, verdicts_in_words
from ...comparison.sentences.verdict import decided
from ...comparison.verdict_matrix import Cell, VerdictMatrix, verdict_matrix

LONG = 12  # rows; longer matrices scroll


@dataclass(frozen=True)
class Answer:
    """The verdict, split after its first words, and the matrix with the texts of its legend."""

    lead: str
    rest: str
    matrix: VerdictMatrix
    marks: dict[str, str]  # mark, or marks -> what they say
    verdicts: dict[str, str]
    note: str

    @property
    def long(self) -> bool:
        """Whether the matrix is longer than a screen."""
        return len(self.matrix.designs) > LONG

    def describe(self, cell: Cell) -> str:
        """Return the marks of a cell in words, for readers who do not see them."""
        said = [words for marks, words in self.marks.items() if set(marks) & set(cell.marks)]
        return f"could be the best {' and '.join(said)}" if said else self.verdicts[cell.verdict]


def answer(comparisons: Sequence[Comparison], alpha: float) -> Answer:
    """Return the verdict on one base. comparisons: its own, All first."""
    matrix = verdict_matrix(comparisons)
    lead, rest = first_words(comparisons[0])
    marks = marks_in_words(matrix)
    return Answer(lead, rest, matrix, marks, verdicts_in_words(matrix), matrix_note(matrix, alpha))


def first_words(comparison: Comparison) -> tuple[str, str]:
    """Return the verdict over all tasks in two parts: what to use, or "Tied for first:", and the rest."""
    sentence = comparison.sentences["verdict"][0]
    use = decided(comparison)
    end = len(f"Use {use}.") if use else min(sentence.find(sign) for sign in ":." if sign in sentence) + 1
    return sentence[:end], sentence[end:].strip()
