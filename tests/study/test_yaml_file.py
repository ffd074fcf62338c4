"""Any text gives a study or one line: no traceback, no repeated key, only finite numbers."""

import itertools
import json
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from embedding_designs.common.errors import BadInput
from embedding_designs.common.names import LONGEST_NAME, NAME_PATTERN
from embedding_designs.study.run_configs import config, task_batches
from embedding_designs.study.schema import study_schema
from embedding_designs.study.study import load_study
from embedding_designs.study.yaml_file import LONGEST_STUDY, plain_value, read_study_file
from helpers.small_study import small_study

EXAMPLES = settings(max_examples=500, deadline=None)


def read(folder: Path, text: str | bytes) -> dict:
    file = folder / "mine.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_study_file(file)


def refusal(load, *arguments) -> str:
    """Return the one line with which something is refused."""
    with pytest.raises(BadInput) as error:
        load(*arguments)
    line = str(error.value)
    assert line.isprintable() and len(line) < 2000
    return line


@pytest.fixture(scope="session")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("studies")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("seeds: [1]\ntraining: {}\nseeds: [2]\n", "3: seeds appears twice, first on line 1"),
        ("training:\n  steps: 1\n  steps: 2\n", "3: training.steps appears twice, first on line 2"),
        ("training: {steps: 1,\n 'steps': 2}\n", "2: training.steps appears twice, first on line 1"),
        ("designs:\n  a: {}\n  b: {x: 1,\n x: 1}\n", "4: designs.b.x appears twice, first on line 3"),
        ("seeds:\n  - 1\n  - {a: 1, a: 2}\n", "3: seeds.1.a appears twice, first on line 3"),
        ("1: a\n'1': b\n", "2: 1 appears twice, first on line 1"),
        ("a: &a {x: 1}\nb:\n  <<: *a\n  <<: *a\n", "4: b.<< appears twice, first on line 3"),
    ],
)
def test_a_key_that_is_written_twice_is_named_with_both_lines(tmp_path, text, line):
    assert refusal(read, tmp_path, text) == f"{tmp_path}/mine.yaml:{line}"


def test_a_key_may_replace_one_that_is_merged(tmp_path):
    """As in https://yaml.org/type/merge.html: own keys first, then the earlier of several mappings."""
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  z: 3\n  <<: [*a, *b]\n"
    assert read(tmp_path, text)["c"] == {"x": 1, "y": 1, "z": 3}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5), ("1.5e3", 1500.0), ("-.5", -0.5), ("7", 7), ("010", 10), ("1_000", 1000),
        ("true", True), ("No", False), ("~", None), ("", None), ("2024-01-01", "2024-01-01"),
        ("1:30", "1:30"), ("0x1F", "0x1F"), ("nan", "nan"), ("1e5e5", "1e5e5"), ("e5", "e5"),
    ],
)  # fmt: skip
def test_a_value_without_quotes_is_what_yaml_1_2_says(tmp_path, text, value):
    assert plain_value(text) == value and type(plain_value(text)) is type(value)
    assert read(tmp_path, f"key: {text}")["key"] == value
    assert read(tmp_path, f"key: '{text}'\nother: !!str {text}") == {"key": text, "other": text}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": a study is a mapping of keys, not an empty file"),
        ("- a\n", ": a study is a mapping of keys, not a list"),
        ("a", ": a study is a mapping of keys, not text or a number"),
        (b"a: 1\nb: caf\xe9\n", ":2: not UTF-8"),
        ("a: 1\nb:\tc: 2\n", ":2: not YAML: "),
        ("a: 1\n\tb: 2\n", ":2: not YAML: "),
        ("a: 1\nb: \x01\n", ":2: not YAML: character"),
        ('a: "\\UFFFFFFFF"\n', ": not YAML: "),
        ("a: 1\n---\nb: 2\n", ":2: not YAML: "),
        ("a: !!set {b, c}\n", ":1: a has the tag tag:yaml.org,2002:set; tags are not allowed"),
        ("a:\n  b: !!binary aGk=\n", ":2: a.b has the tag"),
        ("a: !!python/object:os.system {}\n", ":1: a has the tag tag:yaml.org,2002:python/object:os.system"),
        ("!!set {a, b}\n", ":1: the study has the tag"),
        ("? [a, b]\n: 1\n", ":1: the study has a list as a key; expected text"),
        ("a: {<<: 5}\n", ":1: a.<< must be a mapping, not text or a number"),
        ("a: &a [*a]\n", ":1: a.0.0 is nested deeper than 20 levels"),
        ("a: &a {<<: *a}\n", "is nested deeper than 20 levels"),
        ("a: " + "[" * 30 + "]" * 30, ":1: a.0.0 is nested deeper than 20 levels"),
        ("a: " + "[" * 50_000, ": nested deeper than 20 levels"),
        ("a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
            f"{after}: &{after} [{', '.join([f'*{name}'] * 10)}]\n"
            for name, after in zip("abcdefgh", "bcdefghi", strict=True)
        ), ": longer than 100,000 characters, including repeated parts"),
        ("a: " + "x" * 500_000, ": longer than 100,000 characters"),
    ],
)  # fmt: skip
def test_what_a_study_cannot_contain_is_one_line_with_its_place(tmp_path, text, message):
    assert message in refusal(read, tmp_path, text).removeprefix(f"{tmp_path}/mine.yaml")


def test_a_folder_is_not_a_study(tmp_path):
    (tmp_path / "mine.yaml").mkdir()
    assert "a folder, not a file" in refusal(load_study, tmp_path / "mine.yaml")


@EXAMPLES
@given(content=st.binary() | st.text(st.characters(codec="utf-8")).map(str.encode))
def test_any_bytes_give_a_mapping_or_one_line(place, content):
    try:
        assert isinstance(read(place, content), dict)
    except BadInput as error:
        assert str(error).startswith(f"{place}/mine.yaml") and str(error).isprintable()


YAML_TEXT = st.lists(
    st.sampled_from(
        [*"[]{}:,-?&*!|>'\"%@`#\n ~", "  ", "\n", "\n  ", ": ", "- ", "a", "b: ", "&a ", "*a", "<<: ",
         "!!set ", "!!int ", "1", ".nan", ".inf", "1e999", "2024-01-01", "\\ud83d", "null", "yes", "---\n",
         "\t", "é"]
    )
).map("".join)  # fmt: skip


@EXAMPLES
@given(text=YAML_TEXT)
def test_any_yaml_gives_plain_values_or_one_line(place, text):
    try:
        json.dumps(read(place, text))
    except BadInput as error:
        assert str(error).startswith(f"{place}/mine.yaml") and str(error).isprintable()


LEAVES = (
    st.none() | st.booleans() | st.integers() | st.integers(-(10**400), 10**400) | st.floats()
    | st.text() | st.text(string.ascii_letters + string.digits + "._- /\n", max_size=80)
    | st.sampled_from(["", "all", "docstrings", "STS", "STS12", "lora", "\ud83d", "1e5", "NaN", 1.0, 2**32])
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3),
)


def resolved(schema: dict) -> dict:
    """Return a part of the schema without a reference at its top."""
    named = schema.get("$ref", "").rsplit("/", 1)[-1]
    return study_schema()["$defs"].get(named, {}) | schema


def keys_of(
    schema: dict, path: tuple[str, ...] = (), within: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], dict]]:
    """Yield the path and the schema of every key, with a name of the small study for "any name".

    within: the references that were followed; a pooling within a pooling is followed once.
    """
    yield path, schema
    below = dict(schema.get("properties", {}))
    if isinstance(others := schema.get("additionalProperties"), dict):
        below |= {"tiny" if path == ("bases",) else "multi": others}
    for name, sub in below.items():
        named = sub.get("$ref", "")
        if not named or within.count(named) < 2:
            yield from keys_of(resolved(sub), (*path, name), (*within, named))


def allowed(schema: dict) -> st.SearchStrategy:
    """Return values that a part of the schema allows, unless it is a mapping; then any values."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "integer":
            return st.integers(schema["minimum"], schema["maximum"])
        case "number":
            return st.floats(0.001, 0.999)
        case "boolean":
            return st.booleans()
        case "array":
            return st.lists(allowed(resolved(schema["items"])), min_size=1, max_size=3)
        case "string":
            return st.from_regex(NAME_PATTERN) | st.sampled_from(["STS12", "STS13", "NFCorpus", "json"])
        case _:
            return VALUES


def changed(study: dict, path: tuple[str, ...], value) -> dict:
    if not path:
        return value if isinstance(value, dict) else study
    inside = study.get(path[0]) if isinstance(study.get(path[0]), dict) else {}
    return {**study, path[0]: changed(inside, path[1:], value) if path[1:] else value}


STARTS = [
    small_study(),
    {
        **small_study(),
        "bases": {"tiny": {"pretrain": {}}},
        "data": {"source": "docstrings", "train_packages": ["json"]},
        "evaluation": {"docstring_tasks": {"packages": ["ast"]}},
    },
    {"scores": {"from": "table", "path": "x.csv", "pools": {"multi": {"models": ["a", "b"]}}}},
]
KEYS = list(keys_of(study_schema()))
CHANGES = st.lists(
    st.sampled_from(KEYS).flatmap(lambda key: st.tuples(st.just(key[0]), allowed(key[1]) | VALUES)),
    min_size=1,
    max_size=4,
)


def whole_study_or_one_line(file: Path, overrides: dict | None = None) -> None:
    try:
        study = load_study(file, overrides)
    except BadInput as error:
        assert str(error).startswith(str(file)) and str(error).isprintable() and len(str(error)) < 3000
    else:
        text = json.dumps(study, ensure_ascii=False, allow_nan=False)  # no number that is not finite
        assert len(text.encode()) <= LONGEST_STUDY
        for batch in task_batches(study):
            assert config(study, f"tasks/{batch}")["tasks"]
        for base, design in itertools.product(study["bases"], study["designs"]):
            assert config(study, f"runs/{base}/{design}/seed1")["design"]["name"] == design


@EXAMPLES
@given(start=st.sampled_from(STARTS), changes=CHANGES)
def test_any_value_at_any_key_gives_a_study_or_one_line(place, start, changes):
    for path, value in changes:
        start = changed(start, path, value)
    (place / "changed.yaml").write_text(yaml.safe_dump(start), encoding="utf-8")
    whole_study_or_one_line(place / "changed.yaml")


@EXAMPLES
@given(start=st.sampled_from(STARTS), changes=CHANGES)
def test_any_override_gives_a_study_or_one_line(place, start, changes):
    (place / "start.yaml").write_text(yaml.safe_dump(start), encoding="utf-8")
    overrides: dict = {}
    for path, value in changes:
        overrides = changed(overrides, path, value)
    whole_study_or_one_line(place / "start.yaml", overrides)


def test_the_schema_has_the_pattern_and_the_length_of_names():
    kinds = study_schema()["$defs"]
    assert kinds["name"]["pattern"] == kinds["task_name"]["pattern"] == NAME_PATTERN
    assert kinds["name"]["maxLength"] == LONGEST_NAME
