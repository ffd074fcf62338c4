"""Reads the YAML of a study as plain values: unique keys, no tags, errors with their line."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ..common.csv_files import utf8_lines
from ..common.errors import BadInput, reason

LONGEST_STUDY = 100_000  # characters; a config is passed to a shell, and Linux limits that to 128 KiB
DEEPEST = 20  # levels; a study has 6
PLAIN = "plain"  # tag of a scalar without quotes, whose text determines its type
TAGS = {PLAIN, *(f"tag:yaml.org,2002:{kind}" for kind in ("str", "map", "seq"))}
WORDS = {
    "": None, "~": None, "null": None, "true": True, "false": False,
    "yes": True, "no": False, "on": True, "off": False,
}  # fmt: skip
INTEGER = re.compile(
    r"[-+]?(\d_?){0,3000}\d", re.ASCII
)  # a longer one is read as a float, which is not finite
FLOAT = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
NOT_FINITE = re.compile(r"[-+]?\.inf|\.nan", re.IGNORECASE)


class Loader(yaml.BaseLoader):
    """Marks the scalars that have neither quotes nor a tag."""

    def resolve(self, kind: type[yaml.Node], value: str, implicit: Any) -> str:
        """Return the tag of a node that has none."""
        return PLAIN if kind is yaml.ScalarNode and implicit[0] else super().resolve(kind, value, implicit)


def read_study_file(path: Path) -> dict[str, Any]:
    """Return the content of a study's file: mappings, lists, texts, numbers, true, false and null.

    Raises BadInput with one line that names the file and the line in it.
    """
    text = _text(path)
    try:
        node = yaml.compose(text, Loader)
    except yaml.MarkedYAMLError as error:
        raise BadInput(f"{path}:{_line(error)}: not YAML: {error.problem or error.context}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise BadInput(
            f"{path}:{line}: not YAML: character {chr(error.character)!r} is not allowed"
        ) from None
    except (ValueError, OverflowError) as error:  # an escape such as \UFFFFFFFF, too long a version number
        raise BadInput(f"{path}: not YAML: {reason(error)}") from None
    except RecursionError:
        raise BadInput(f"{path}: nested deeper than {DEEPEST} levels") from None
    if not isinstance(node, yaml.MappingNode):
        raise BadInput(f"{path}: a study is a mapping of keys, not {_kind(node)}")
    return _Values(path).value(node, ())


def plain_value(text: str) -> Any:
    """Return what a text without quotes means in YAML: null, true or false, a number, or the text.

    As in YAML 1.2, 1e-5 is a number, 010 is ten and 2024-01-01 is text; yes, no, on and off are booleans too.
    """
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    if INTEGER.fullmatch(text):
        return int(text)
    if FLOAT.fullmatch(text):
        return float(text)
    return float(text.replace(".", "")) if NOT_FINITE.fullmatch(text) else text


def _text(path: Path) -> str:
    if path.is_file() and path.stat().st_size > 4 * LONGEST_STUDY:  # a character has 4 bytes at most
        raise BadInput(f"{path}: longer than {LONGEST_STUDY:,} characters, the most that a study may have")
    return "".join(line for _, line in utf8_lines(path))


def _line(error: yaml.MarkedYAMLError) -> int:
    mark = error.problem_mark or error.context_mark
    return mark.line + 1 if mark else 1


def _kind(node: yaml.Node | None) -> str:
    kinds = {yaml.MappingNode: "a mapping", yaml.SequenceNode: "a list", yaml.ScalarNode: "text or a number"}
    return kinds.get(type(node), "an empty file")


class _Values:
    """Turns the nodes of a YAML file into values, within the size limits of a study."""

    def __init__(self, path: Path):
        self.path = path
        self.left = LONGEST_STUDY

    def value(self, node: yaml.Node, key: tuple[str, ...]) -> Any:
        """Return the value of the node at a key such as ("training", "steps")."""
        self._count(node, key)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, key)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*key, str(number))) for number, item in enumerate(node.value)]
        return plain_value(node.value) if node.tag == PLAIN else node.value

    def mapping(self, node: yaml.MappingNode, key: tuple[str, ...]) -> dict[str, Any]:
        """Return a mapping; its own keys override those of mappings that it merges (`<<`)."""
        lines: dict[str, int] = {}
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for name_node, value_node in node.value:
            name = self._name(name_node, key)
            line = name_node.start_mark.line + 1
            if name in lines:
                shown = ".".join((*key, name))
                raise BadInput(f"{self.path}:{line}: {shown} appears twice, first on line {lines[name]}")
            lines[name] = line
            if name == "<<":
                for below in self._merged(value_node, key):
                    merged = below | merged
            else:
                own[name] = self.value(value_node, (*key, name))
        return merged | own

    def _merged(self, node: yaml.Node, key: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        for below in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(below, yaml.MappingNode):
                raise self._refused(below, (*key, "<<"), f"must be a mapping, not {_kind(below)}")
            yield self.value(below, (*key, "<<"))

    def _name(self, node: yaml.Node, key: tuple[str, ...]) -> str:
        """Return a key as it is written: 1 and true are names like any other."""
        self._count(node, key)
        if not isinstance(node, yaml.ScalarNode):
            raise self._refused(node, key, f"has {_kind(node)} as a key; expected text")
        return node.value

    def _count(self, node: yaml.Node, key: tuple[str, ...]) -> None:
        """Refuse tags, excessive depth, and aliases that multiply each other's content."""
        if node.tag not in TAGS:
            raise self._refused(node, key, f"has the tag {node.tag}; tags are not allowed")
        self.left -= 1 + (len(node.value) if isinstance(node, yaml.ScalarNode) else 0)
        if self.left < 0:
            raise BadInput(f"{self.path}: longer than {LONGEST_STUDY:,} characters, including repeated parts")
        if len(key) > DEEPEST:
            raise self._refused(node, key[:3], f"is nested deeper than {DEEPEST} levels")

    def _refused(self, node: yaml.Node, key: tuple[str, ...], why: str) -> BadInput:
        return BadInput(f"{self.path}:{node.start_mark.line + 1}: {'.'.join(key) or 'the study'} {why}")
