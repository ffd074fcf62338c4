"""The verdict of a study on one base as Markdown: one sentence, the matrix as a table, and its legend."""

from typing import NamedTuple

from ..comparison.results import Statistics
from ..comparison.sentences.matrix import marks_in_words, matrix_note
from ..comparison.verdict_matrix import VerdictMatrix, verdict_matrix
from ..scores.collapsed_runs import left_out


class ModelVerdict(NamedTuple):
    """The verdict over all tasks, a table with a header, and what its marks and numbers say."""

    sentence: str
    rows: list[list[str]]
    legend: str


def model_verdict(statistics: Statistics, base: str, design: str) -> ModelVerdict | None:
    """Return the verdict on the designs of a base, `design` in bold; None if the base was not compared."""
    comparisons = [comparison for comparison in statistics.comparisons if comparison.base == base]
    if not comparisons:
        return None
    matrix = verdict_matrix(comparisons)
    marks = ", ".join(f"{mark} {words}" for mark, words in marks_in_words(matrix).items())
    lead = f"Could be the best: {marks}. " if marks else ""
    return ModelVerdict(
        comparisons[-1].sentences["verdict"][0],
        _rows(matrix, design),
        lead + matrix_note(matrix, statistics.alpha, left_out(statistics.collapsed, base)),
    )


def _rows(matrix: VerdictMatrix, own: str) -> list[list[str]]:
    """Return the header and one row per design."""
    titles = [f"{column.category} ({column.n_tasks})" for column in matrix.columns]
    ranks = {name: "–".join(map(str, dict.fromkeys(pair))) for name, pair in (matrix.ranks or {}).items()}
    rows = [[matrix.unit, *titles, *(["rank"] if ranks else [])]]
    for name in matrix.designs:
        cells = [column.cells[name] for column in matrix.columns]
        scores = [f"{cell.score:.3f} {cell.marks}".strip() for cell in cells]
        rows.append([f"**{name}**" if name == own else name, *scores, *([ranks[name]] if ranks else [])])
    return rows
