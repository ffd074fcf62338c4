"""A table of the findings page, as rows of text."""

import re
from dataclasses import dataclass, field
from functools import cached_property

DASH = "–"
LONG = 12  # rows; longer tables are collapsed
NUMBER = re.compile(r"[<−-]?\s?\d[\d.,]*%?( ± .*)?")


@dataclass(frozen=True)
class Row:
    """One row: its label and the texts of its cells; `best` are the cells to print in bold."""

    label: str
    cells: list[str]
    best: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Table:
    """A table with a caption; `header` includes the label's column; `aside` rows follow under a title."""

    caption: str
    header: list[str]
    rows: list[Row]
    aside: list[Row] = field(default_factory=list)
    aside_title: str = ""

    @cached_property
    def numeric(self) -> list[bool]:
        """Whether each column of cells contains only numbers, and is therefore right-aligned."""
        columns = zip(*(row.cells for row in [*self.rows, *self.aside]), strict=True)
        return [all(cell == DASH or NUMBER.fullmatch(cell) for cell in column) for column in columns]

    @property
    def long(self) -> bool:
        """Whether the table should be collapsed."""
        return len(self.rows) > LONG
