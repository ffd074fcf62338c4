"""Which columns of a user's rows hold the texts and the source of a row, and which are not read."""

import re
from collections.abc import Sequence

from ..common.errors import BadInput
from ..common.wording import few, shown
from ..study.data_config import NAMES, SOURCE


class Columns:
    """The columns of training rows, by a config's `columns`: our name -> the name there; default: the same.

    The negatives are in the column of that name and in numbered ones, negative_1, negative_2, …, as Sentence
    Transformers' mine_hard_negatives writes them. A name of None: negatives, or sources, are not read.
    """

    def __init__(self, given: dict[str, str | None], key: str = "data"):
        self.key = key  # the study's key that describes these rows
        self.query, self.positive = (given.get(name) or name for name in NAMES[:2])
        negative = given.get(NAMES[2], NAMES[2])
        self.asked = given.get("negative")
        self.source = given.get(SOURCE, SOURCE)
        self.source_asked = given.get(SOURCE)
        self.negative = re.compile(r"(?!)" if negative is None else rf"{re.escape(negative)}(_[0-9]+)?")
        self.known: dict[tuple[str, ...], list[str]] = {}  # one choice for all rows of the same columns
        self.not_read: dict[str, None] = {}  # in their order

    def chosen(self, names: tuple[str, ...], place: str) -> list[str]:
        """Return the columns of a row's query, positive and negatives, in that order.

        Raises BadInput that begins with `place` if the query or the positive is missing.
        """
        if names not in self.known:
            self.known[names] = self._choose(names, place)
        return self.known[names]

    def read(self, names: tuple[str, ...], place: str) -> list[str]:
        """Return all columns of a row that are read: the chosen ones, and that of its source."""
        return [*self.chosen(names, place), *self.source_in(names)]

    def source_in(self, names: Sequence[str]) -> list[str]:
        """Return the column that names the source of a row, in a list, if it is one of `names`."""
        return [name for name in names if name == self.source and name not in (self.query, self.positive)]

    def _choose(self, names: tuple[str, ...], place: str) -> list[str]:
        for name in names:
            check_encodes(name, "a column name", place)
        for key, named in (("query", self.query), ("positive", self.positive), (SOURCE, self.source_asked)):
            if named is not None and named not in names:
                cure = f"name one of them in {self.key}.columns.{key}"
                raise BadInput(f'{place}: no column "{named}"; found {listed(names)}; {cure}')
        read = (self.query, self.positive, *self.source_in(names))
        others = [name for name in names if name not in read]
        negatives = sorted(filter(self.negative.fullmatch, others), key=lambda name: (len(name), name))
        self.not_read |= dict.fromkeys(name for name in others if name not in negatives)
        return [self.query, self.positive, *negatives]

    def check_negatives(self) -> None:
        """Raise BadInput if the config names a column of negatives, and no row has it."""
        if self.asked and self.known and not any(names[2:] for names in self.known.values()):
            found = listed((self.query, self.positive, *self.not_read))
            raise BadInput(f'{self.key}.columns.negative "{self.asked}": no such column; found {found}')


def listed(names: Sequence[str]) -> str:
    """Return the names of columns on one line: the beginning of long names, the first of many."""
    return few([shown(name, 60) for name in names], 10) or "none"


def check_encodes(text: str, what: str, place: str) -> None:
    """Raise BadInput if a text contains a lone surrogate, which JSON allows and UTF-8 does not."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadInput(f"{place}: {what} contains a lone surrogate") from None
