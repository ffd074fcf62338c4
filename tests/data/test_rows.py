"""Rows of a user's file: each negative is used, what is not read is named, any bytes are rows or one line."""

import gzip
import io
import json
import operator
import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedding_designs.common.errors import BadInput
from embedding_designs.data import prepare_data
from embedding_designs.data.prepare_data import prepare, shared_texts
from embedding_designs.data.rows import read_rows
from embedding_designs.fetching import fetch_data
from embedding_designs.study.schema import defaults

ROW = {"query": "Which bird is red?", "positive": "The cardinal.", "negative": "The crow."}
NEXT = {"query": "Which bird is blue?", "positive": "The jay.", "negative": "The crow."}


def jsonl(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def packed(content):
    return gzip.compress(
        content, mtime=0
    )  # the content is part of test names, which each worker must agree on


def parquet(columns):
    file = io.BytesIO()
    pyarrow.parquet.write_table(
        columns if isinstance(columns, pyarrow.Table) else pyarrow.table(columns), file
    )
    return file.getvalue()


@pytest.fixture
def read(tmp_path):
    def read(content, name="mine.jsonl", **config):
        (tmp_path / name).write_bytes(content)
        return read_rows(defaults("data", {"source": "file", "path": str(tmp_path / name), **config}))

    return read


def texts(rows):
    return [tuple(row.values()) for row in rows]


THREE = [("a", "b", "x"), ("a", "b", "y"), ("a", "b", "z")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("mine.csv", b"query,positive,negative_1,negative_2,negative_3\na,b,x,y,z\n"),
        ("mine.CSV", b"negative_2,negative_1,positive,query,negative_10\ny,x,b,a,z\n"),
        ("mine.csv.gz", packed(b"query,positive,negative,negative_1,negative_2\na,b,x,y,z\n")),
        ("mine.jsonl", jsonl({"query": "a", "positive": "b", "negative": ["x", "y", "z"]})),
        ("mine.jsonl.gz", packed(jsonl({"query": "a", "positive": "b", "negative": ["x", "y", "z"]}))),
        ("mine.parquet", parquet({"negative": [["x", "y", "z"]], "query": ["a"], "positive": ["b"]})),
        ("mine.parquet", parquet({f"{n}": [t] for n, t in zip(
            ["query", "positive", "negative_1", "negative_2", "negative_3"], "abxyz", strict=True)})),
    ],
)  # fmt: skip
def test_a_row_is_trained_on_with_each_of_its_negatives(read, name, content):
    rows, report = read(content, name)
    assert texts(rows) == THREE
    assert list(rows[0]) == ["query", "positive", "negative"]
    assert report["read"] == {"rows": 1, "negatives": 3, "usable_rows": 3}
    assert report["columns_not_read"] == []


def test_what_sentence_transformers_miner_writes_is_read(read, tmp_path):
    from datasets import Dataset

    mined = Dataset.from_dict(
        {
            "anchor": ["a"],
            "answer": ["b"],
            "negative_1": ["x"],
            "negative_2": ["y"],
            "scores": [[0.9, 0.2, 0.1]],
        }
    )
    mined.to_parquet(tmp_path / "mined.parquet")
    content = (tmp_path / "mined.parquet").read_bytes()
    rows, report = read(content, "mined.parquet", columns={"query": "anchor", "positive": "answer"})
    assert texts(rows) == THREE[:2]
    assert report["columns_not_read"] == ["scores"]


def test_rows_may_have_different_numbers_of_negatives(read):
    rows = [ROW | {"negative": ["The crow.", "The raven."]}, {**ROW, "query": "And which is blue?"}]
    kept, report = read(jsonl(*rows))
    assert len(kept) == report["read"]["negatives"] == 3
    kept, report = read(b"query,positive,negative_1,negative_2\na,b,x,y\nc,d,,z\n", "mine.csv")
    assert texts(kept) == [("a", "b", "x"), ("a", "b", "y"), ("c", "d", "z")]
    assert report["dropped"]["empty_negative"] == 1


PAIR = {"query": "a", "positive": "b"}


@pytest.mark.parametrize("lines", [[PAIR, ROW], [ROW, PAIR], [ROW, ROW, PAIR, PAIR]])
def test_one_row_without_a_negative_among_others_is_named_wherever_it_is(read, lines):
    first = lines.index(PAIR) + 1
    with pytest.raises(BadInput, match=rf"mine\.jsonl:{first}: no negative, but .*mine\.jsonl:\d has one"):
        read(jsonl(*lines))
    rows, report = read(jsonl(*lines), drop_empty=True)
    assert (texts(rows), report["dropped"]["empty"]) == ([tuple(ROW.values())], lines.count(PAIR) and 1)


def test_negatives_are_left_out_where_the_study_says_so(read):
    rows, report = read(jsonl(PAIR, ROW), columns={"negative": None})
    assert texts(rows) == [("a", "b"), (ROW["query"], ROW["positive"])]
    assert report["columns_not_read"] == ["negative"]


def test_a_mapped_name_has_numbered_columns_too(read):
    rows, _ = read(jsonl({**PAIR, "bad_1": "x", "bad_2": "y"}), columns={"negative": "bad"})
    assert texts(rows) == THREE[:2]


def test_columns_that_are_not_read_are_named_on_the_console_and_in_the_report(tmp_path, capsys):
    (tmp_path / "mine.jsonl").write_bytes(jsonl(ROW, ROW | {"negatives": ["lost"], "two\nlines": 7}, NEXT))
    config = {"source": "file", "path": str(tmp_path / "mine.jsonl"), "heldout_rows": 1}
    (tmp_path / "config.json").write_text(json.dumps(config))
    _, _, report = prepare(str(tmp_path / "config.json"), None)
    assert report["columns_not_read"] == ["negatives", "two\nlines"]
    said = capsys.readouterr().err
    assert 'mine.jsonl: columns not read: "negatives", "two\\nlines"' in said
    assert "mine.jsonl: dropped: 1 duplicate" in said


NESTED = b'{"query": ' + b"[" * 100_000 + b"\n"
HALF = rb'{"query": "half \ud83d", "positive": "b"}'
HALF_NAME = rb'{"query": "a", "positive": "b", "\ud83d": "c"}'
TWICE = parquet(pyarrow.table([["a"], ["b"], ["c"]], names=["query", "positive", "query"]))
NUMBER = parquet({"query": ["a"], "positive": [7]})
NULL = parquet({"query": ["a"], "positive": [None]})


@pytest.mark.parametrize(
    ("name", "content", "config", "line"),
    [
        ("mine.jsonl", jsonl(PAIR) + HALF, {}, 'mine.jsonl:2: "query" contains a lone surrogate'),
        ("mine.jsonl", HALF_NAME, {}, "mine.jsonl:1: a column name contains a lone surrogate"),
        ("mine.jsonl", jsonl(PAIR) + NESTED, {}, "mine.jsonl:2: nested too deeply"),
        ("mine.jsonl", b'{"query": ' + b"9" * 5000 + b"}", {}, "mine.jsonl:1: Exceeds the limit"),
        ("mine.jsonl", b'{"query": NaN, "positive": "b"}', {}, 'mine.jsonl:1: "query" is nan, not text'),
        ("mine.jsonl", b'{"query": "a", "query": "b"}', {}, 'mine.jsonl:1: key "query" appears twice'),
        ("mine.jsonl", json.dumps([PAIR]).encode(), {}, "expected one JSON object per line"),
        ("mine.jsonl", json.dumps(PAIR, indent=2).encode(), {}, "expected one JSON object per line"),
        ("mine.jsonl", "a".encode("utf-16"), {}, "mine.jsonl:1: not UTF-8"),
        ("mine.jsonl", b"", {}, "mine.jsonl: no rows"),
        ("mine.jsonl", jsonl(PAIR | {"query": "\u200b \ufeff\0"}), {}, 'mine.jsonl:1: "query" is empty'),
        ("mine.jsonl", jsonl(ROW | {"negative": []}), {}, 'mine.jsonl:1: "negative" is empty'),
        ("mine.jsonl", jsonl(ROW | {"negative": [["x"]]}), {}, "\"negative\" is ['x'], not text"),
        ("mine.jsonl", jsonl(ROW | {"positive": ["x"]}), {}, "\"positive\" is ['x'], not text"),
        ("mine.csv", b"query,positive\n", {}, "mine.csv: no rows"),
        ("mine.csv", b"query,positive,query\na,b,c\n", {}, 'mine.csv:1: column "query" appears twice'),
        ("mine.csv.gz", b"query,positive\na,b\n", {}, "mine.csv.gz: cannot be read"),
        ("mine.tsv", b"query\tpositive\n", {}, 'mine.tsv" has an unknown format; choose from .jsonl, .csv'),
        ("mine.parquet", TWICE, {}, 'mine.parquet: column "query" appears twice'),
        ("mine.parquet", parquet({"query": ["a"]}), {}, 'no column "positive"; found "query"'),
        ("mine.parquet", NUMBER, {}, 'row 1: "positive" is 7, not text'),
        ("mine.parquet", NULL, {}, 'row 1: "positive" is empty'),
        ("mine.parquet", NULL[:-9], {}, "row 1: not readable as Parquet"),
        ("mine.csv", b"a,b\nx,y\n", {"query": "a", "positive": "c"}, ':2: no column "c"; found "a"'),
        ("mine.csv", b"query,positive\nx,y\n", {"negative": "bad"}, 'columns.negative "bad": no such column'),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_in_one_line(read, name, content, config, line):
    with pytest.raises(BadInput) as error:
        read(content, name, columns=config)
    assert line in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_and_a_missing_file_are_named_by_the_key(tmp_path):
    (tmp_path / "folder.jsonl").mkdir()
    for name, reason in [
        ("folder.jsonl", "is a directory"),
        ("absent.csv", "no such file"),
        ("\0.csv", "null"),
    ]:
        with pytest.raises(BadInput, match=r'^data\.path ".*csv|jsonl": .*' + reason):
            read_rows(defaults("data", {"source": "file", "path": f"{tmp_path}/{name}"}))


@pytest.mark.parametrize(
    "kind", [pyarrow.large_string(), pyarrow.dictionary(pyarrow.int8(), pyarrow.string())]
)
def test_parquet_texts_are_read_however_they_are_stored(read, kind):
    columns = {name: pyarrow.array([text], pyarrow.string()).cast(kind) for name, text in ROW.items()}
    assert read(parquet(columns), "mine.parquet")[0] == [ROW]


def test_long_texts_and_null_characters_are_kept(read):
    rows, _ = read(b"query,positive\n" + b"x" * 200_000 + b",a\0b\n", "mine.csv")
    assert texts(rows) == [("x" * 200_000, "a\0b")]


def config_file(folder, rows, **config):
    (folder / "mine.jsonl").write_bytes(jsonl(*rows))
    (folder / "config.json").write_text(
        json.dumps({"source": "file", "path": str(folder / "mine.jsonl")} | config)
    )
    return str(folder / "config.json")


def test_holding_out_all_rows_is_refused_and_the_largest_number_works(tmp_path):
    rows = [{"query": f"q{n // 3}", "positive": f"p{n}"} for n in range(12)]  # four queries of three rows
    with pytest.raises(BadInput, match=r"^data\.heldout_rows 10 takes all 12 rows; choose at most 9$"):
        prepare(config_file(tmp_path, rows, heldout_rows=10), None)
    for seed in range(5):
        train, heldout, _ = prepare(config_file(tmp_path, rows, heldout_rows=9, seed=seed), None)
        assert (len(train), len(heldout)) == (3, 9)
    with pytest.raises(BadInput, match=r"takes all 3 rows; all have the same query"):
        prepare(config_file(tmp_path, rows[:3], heldout_rows=1), None)


def test_fewer_rows_than_asked_for_are_noted(tmp_path, capsys):
    rows = [{"query": f"q{n}", "positive": f"p{n}"} for n in range(5)]
    prepare(config_file(tmp_path, rows, heldout_rows=2, train_rows=10), None)
    assert "note: data.train_rows 10: only 3 rows are available" in capsys.readouterr().err


def test_every_row_read_is_trained_on_held_out_or_counted(tmp_path):
    chance = random.Random(0)
    rows = [{key: chance.choice("abcdef ") for key in ROW} for _ in range(300)]
    train, heldout, report = prepare(
        config_file(tmp_path, rows, heldout_rows=20, train_rows=40, drop_empty=True), None
    )
    assert report["read"]["rows"] == 300 == len(train) + len(heldout) + sum(report["dropped"].values())


def test_rows_that_are_false_negatives_of_each_other_are_counted():
    rows = [
        {"query": "capital of France", "positive": "Paris", "negative": "Lyon"},
        {"query": "largest city of France", "positive": "Paris", "negative": "Lille"},
        {"query": "silk city of France", "positive": "Lyon", "negative": "Nice"},
        {"query": "city on the Rhône", "positive": "Lyon", "negative": "Arles"},
        {"query": "city on the Rhône", "positive": "Arles", "negative": "Nice"},
        {"query": "city of Flanders", "positive": "Lille", "negative": "Nantes"},
    ]
    assert shared_texts(rows) == {
        "rows_whose_query_has_other_rows": 2,  # the Rhône's
        "passages_positive_for_several_queries": 2,  # Paris, Lyon
        "rows_with_such_a_positive": 4,
        "rows_whose_negative_is_positive_for_another_query": 2,  # Lyon, Lille
        "rows_whose_negative_is_positive_for_their_query": 1,  # Arles
    }
    assert shared_texts([{"query": "q", "positive": "p"}])["rows_with_such_a_positive"] == 0


def test_heldout_passages_that_are_trained_on_are_counted(tmp_path):
    rows = [{"query": f"q{n}", "positive": "the same" if n < 8 else f"p{n}"} for n in range(10)]
    _, heldout, report = prepare(config_file(tmp_path, rows, heldout_rows=3), None)
    expected = sum(row["positive"] == "the same" for row in heldout)
    assert report["heldout_rows_with_a_positive_of_training"] == expected > 0


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ([], "config.json: data [] must be a mapping"),
        ({"tasks": {}}, "data.tasks is not known"),
        ({}, "data.source is missing"),
        ({"source": ["file"]}, 'data.source ["file"] is not known; did you mean file? allowed: docstrings, '),
        ({"source": "file"}, 'data.path is missing: data.source "file" needs it'),
        ({"source": "file", "path": 7}, "data.path 7 must be text"),
        ({"source": "file", "path": "x", "columns": ["a"]}, 'data.columns ["a"] must be a mapping'),
        (
            {"source": "file", "path": "x", "columns": {"query": 7}},
            "data.columns.query 7 must be text",
        ),
        (
            {"source": "file", "path": "x", "columns": {"query": "a", "positive": "a"}},
            'data.columns: query and positive both name the column "a"',
        ),
        ({"source": "hub"}, "data.dataset is missing"),
        (
            {"source": "hub", "dataset": "a/b", "heldout_rows": 1.5},
            "data.heldout_rows 1.5 must be an integer",
        ),
    ],
)
@pytest.mark.parametrize("command", ["prepare_data", "fetch_data"])
def test_a_config_of_the_wrong_kind_is_one_line(tmp_path, monkeypatch, capsys, command, config, named):
    (tmp_path / "config.json").write_text(json.dumps(config))
    outputs = {
        "prepare_data": ["--train", "t", "--heldout", "h", "--report", "r"],
        "fetch_data": ["--output", "o"],
    }[command]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [command, "config.json", *outputs])
    with pytest.raises(SystemExit) as left:
        {"prepare_data": prepare_data, "fetch_data": fetch_data}[command].main()
    said = capsys.readouterr().err.splitlines()
    assert left.value.code == 2 and len(said) == 1 and named in said[0]


def test_a_table_that_is_not_a_harvest_is_refused_in_one_line(tmp_path):
    (tmp_path / "rows.parquet").write_bytes(parquet({"query": ["a"]}))
    (tmp_path / "text.parquet").write_text("text")
    config = config_file(tmp_path, [ROW, PAIR], source="docstrings", train_packages=["shop"])
    for name, line in [("rows", 'no column "package"'), ("text", "not readable"), ("absent", "not readable")]:
        with pytest.raises(BadInput, match=rf"{name}\.parquet.*{line}"):
            prepare(config, str(tmp_path / f"{name}.parquet"))


@pytest.mark.parametrize("content", [{}, [], ["a"], [{"name": "a/b"}]])
def test_what_is_not_a_list_of_what_was_fetched_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "fetched.json").write_text(json.dumps(content))
    config = config_file(tmp_path, [PAIR], source="hub", dataset="a/b")
    with pytest.raises(BadInput, match=r"fetched\.json: not a list of what was fetched"):
        prepare(config, None, tmp_path / "fetched.json")


def hub_config(folder, rows, **config):
    (folder / "data").mkdir()
    (folder / "data" / "train.jsonl").write_bytes(jsonl(*rows))
    return defaults("data", {"source": "hub", "dataset": str(folder / "data"), **config})


def test_rows_of_the_hub_are_read_like_those_of_a_file(tmp_path):
    rows, report = read_rows(hub_config(tmp_path, [{**PAIR, "negative": ["x", "y"], "score": 0.5}]))
    assert texts(rows) == THREE[:2]
    assert (report["read"]["negatives"], report["columns_not_read"]) == (2, ["score"])
    missing = {"source": "hub", "dataset": str(tmp_path / "data"), "columns": {"query": "anchor"}}
    missing = defaults("data", missing)
    with pytest.raises(BadInput, match='data:train: no column "anchor"; found "query", "positive"'):
        read_rows(missing)


def test_a_split_that_the_hub_does_not_have_is_named_with_those_there_are(tmp_path):
    with pytest.raises(BadInput, match=r'split "tain" cannot be loaded: .*tain.*train'):
        read_rows(hub_config(tmp_path, [PAIR], split="tain"))


JSON_VALUES = st.recursive(
    st.one_of(
        st.text(max_size=3),
        st.text("ab ", max_size=3),
        st.none(),
        st.booleans(),
        st.floats(),
        st.integers(),
        st.text(st.characters(), max_size=5),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=4,
)
KEYS = st.sampled_from(["query", "positive", "negative", "negative_1", "negative_2", "id", "\ud83d"])
TEXTS = st.fixed_dictionaries({"query": st.text("ab", min_size=1), "positive": JSON_VALUES})
JSON_ROWS = st.builds(operator.or_, TEXTS, st.dictionaries(KEYS, JSON_VALUES, max_size=3))
JSON_LINES = st.lists(JSON_ROWS, max_size=4).map(lambda rows: jsonl(*rows))
TEXT_LINES = st.text('{}[]":,aé\n\r\0\u2028\\', max_size=60).map(str.encode)
CSV_LINES = st.text('a,"\n\r\0;é', max_size=40).map(
    lambda text: b"query,positive,negative_1\n" + text.encode()
)


def rows_or_one_line(name, content, drop_empty):
    with TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_bytes(content)
        try:
            rows, _ = read_rows(
                {"source": "file", "path": str(file), "columns": {}, "drop_empty": drop_empty}
            )
        except BadInput as error:
            assert str(error).removeprefix("data.path ").startswith(str(file))
            assert "\n" not in str(error)
        else:
            assert len({tuple(row) for row in rows}) <= 1
            assert all(text.strip() and text.encode() for row in rows for text in row.values())


@given(st.one_of(st.binary(max_size=200), JSON_LINES, TEXT_LINES), st.booleans())
@settings(max_examples=500, deadline=None)
def test_any_json_lines_are_rows_or_one_line(content, drop_empty):
    rows_or_one_line("mine.jsonl", content, drop_empty)


@given(st.one_of(st.binary(max_size=200), CSV_LINES), st.booleans())
@settings(max_examples=500, deadline=None)
def test_any_csv_is_rows_or_one_line(content, drop_empty):
    rows_or_one_line("mine.csv", content, drop_empty)


GOOD = parquet({name: [f"{name} {row}" for row in range(20)] for name in ["query", "positive", "negative"]})


PACKED = packed(jsonl(*[ROW | {"query": f"query {row}"} for row in range(20)]))
CHANGES = st.dictionaries(st.integers(0, 10_000), st.integers(0, 255), max_size=6)


@pytest.mark.parametrize(("name", "content"), [("mine.parquet", GOOD), ("mine.jsonl.gz", PACKED)])
@given(CHANGES, st.one_of(st.none(), st.integers(0, len(PACKED))))
@settings(max_examples=500, deadline=None)
def test_a_damaged_file_is_rows_or_one_line(name, content, changes, end):
    damaged = bytearray(content)
    for place, value in changes.items():
        damaged[place % len(damaged)] = value
    rows_or_one_line(name, bytes(damaged[:end]), False)
