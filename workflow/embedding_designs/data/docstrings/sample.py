"""The texts of one package that its tasks draw from: balanced over submodules, siblings together."""

import itertools
import random
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from .triplets import Row, described, first_words

MIN_CLASSES = 4
SIBLINGS = 8  # rows that one module gives before the next one is asked


@dataclass
class PackageSample:
    """Documented objects of a package, each with the submodule it belongs to."""

    package: str
    rows: list[Row]  # with summary, description and "both", the two together
    labels: list[str]  # one per row: "scipy.stats"

    def nearness(self, first: int, second: int) -> int:
        """Return 4 for rows of one class, 3 one module, 2 one package, 1 one submodule, 0 none of these."""
        a, b = self.rows[first], self.rows[second]
        if a["module"] == b["module"]:
            return 4 if _owner(a) and _owner(a) == _owner(b) else 3
        if self.labels[first] != self.labels[second]:
            return 0
        return 2 if a["module"].rpartition(".")[0] == b["module"].rpartition(".")[0] else 1


def _owner(row: Row) -> str:
    return row["qualname"].rpartition(".")[0]


def draw_sample(package: str, rows: list[Row], config: dict[str, Any]) -> PackageSample:
    """Return about `documents` rows, the same number from each of the largest submodules.

    ValueError if the package has fewer than MIN_CLASSES submodules that are large enough.
    """
    chance = random.Random(f"{config['seed']} {package}")
    per_class = config["documents"] // config["classes"]
    usable = [
        row | {"both": first_words(f"{row['summary']} {row['description']}", config["max_words"])}
        for row in described(rows, config)[0]
    ]
    classes = submodules(usable, config["classes"], per_class)
    if len(classes) < MIN_CLASSES:
        raise ValueError(f"only {len(classes)} submodules have {per_class} documented objects; ask for fewer")
    per_class = min(config["documents"] // len(classes), *(len(members) for members in classes.values()))
    drawn = [
        (row, label) for label, members in classes.items() for row in _by_module(members, per_class, chance)
    ]
    chance.shuffle(drawn)
    return PackageSample(package, [row for row, _ in drawn], [label for _, label in drawn])


def submodules(rows: list[Row], wanted: int, enough: int) -> dict[str, list[Row]]:
    """Return the rows of the `wanted` largest submodules with `enough` rows, by name.

    The package is split level by level, its largest part first, until there are that many; if there
    never are, the split with the most of them counts.
    """
    parts, best = {"": rows}, dict[str, list[Row]]()
    while parts and len(best) < wanted:
        large = {name: members for name, members in parts.items() if len(members) >= enough}
        best = max(best, large, key=len)
        splits = {name: _children(members) for name, members in parts.items()}
        divisible = [name for name in splits if len(splits[name]) > 1]
        if not divisible:
            break
        largest = max(divisible, key=lambda name: (len(parts[name]), name))
        del parts[largest]
        parts |= splits[largest]
    largest_first = sorted(best, key=lambda name: (-len(best[name]), name))
    return {name: best[name] for name in sorted(largest_first[:wanted])}


def _children(rows: list[Row]) -> dict[str, list[Row]]:
    """Return the rows by the first level of their modules' names at which they differ."""
    modules = [row["module"].split(".") for row in rows]
    level = next(level for level in itertools.count(1) if _differ_at(modules, level))
    children: dict[str, list[Row]] = defaultdict(list)
    for row, module in zip(rows, modules, strict=True):
        children[".".join(module[:level])].append(row)
    return dict(children)


def _differ_at(modules: list[list[str]], level: int) -> bool:
    """Tell whether the names differ in their first `level` parts, or end there."""
    return len({tuple(module[:level]) for module in modules}) > 1 or level >= max(map(len, modules))


def _by_module(rows: list[Row], wanted: int, chance: random.Random) -> list[Row]:
    """Return `wanted` rows, a run of siblings from each of random modules."""
    modules: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        modules[row["module"]].append(row)
    names = sorted(modules)
    chance.shuffle(names)
    drawn: list[Row] = []
    while len(drawn) < wanted:
        for name in names:
            start = chance.randrange(max(1, len(modules[name]) - SIBLINGS + 1))
            drawn += modules[name][start : start + SIBLINGS]
            del modules[name][start : start + SIBLINGS]
    return drawn[:wanted]
