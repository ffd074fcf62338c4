import json

import pyarrow
import pyarrow.parquet
import pytest

from embedding_designs.common.errors import BadInput
from embedding_designs.data.docstring_table import rows_hash
from embedding_designs.data.docstrings.triplets import docstring_triplets
from embedding_designs.data.parquet_tables import write_table
from embedding_designs.data.prepare_data import main, prepare, word_counts

NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def docstring(module, qualname, split="train", package="shop"):
    name = f"{module} {qualname}"
    description = f"The long description of {name} goes on for at least ten words."
    return {
        "package": package, "module": module, "qualname": qualname, "kind": "method", "split": split,
        "summary": f"Do what {name} does.", "description": description, "text": f"Do {name}. {description}",
    }  # fmt: skip


@pytest.fixture
def harvested():
    rows = [
        docstring(f"shop.{module}", f"{owner}.{method}")
        for module in NUMBERS
        for owner in ("Cart", "Till")
        for method in NUMBERS
    ]
    return [*rows, docstring("bank.safe", "Safe.open", "eval", "bank")]


CONFIG = {"seed": 0, "train_rows": 120, "heldout_rows": 30, "min_description_words": 10, "max_words": 60}


def owner_of(text):
    """The module and class in "… of shop.one Cart.two goes on …"."""
    words = text.split()
    module = next(word for word in words if word.startswith("shop."))
    return module, words[words.index(module) + 1].split(".")[0]


def test_the_negative_is_a_sibling_and_never_the_positive(harvested):
    train, heldout, _ = docstring_triplets(harvested, CONFIG)
    for row in train + heldout:
        assert row["negative"] != row["positive"]
        assert owner_of(row["query"]) == owner_of(row["positive"]) == owner_of(row["negative"])


def test_train_and_heldout_share_no_module(harvested):
    train, heldout, dropped = docstring_triplets(harvested, CONFIG)
    sides = [{owner_of(text)[0] for row in rows for text in row.values()} for rows in (train, heldout)]
    assert not sides[0] & sides[1]
    assert (len(train), len(heldout), dropped["not_needed"]) == (120, 30, 50)


def test_evaluation_packages_give_no_triplets(harvested):
    train, heldout, _ = docstring_triplets(harvested, CONFIG | {"train_rows": None})
    assert not any("bank" in text for row in train + heldout for text in row.values())


def test_an_only_child_gets_a_negative_from_the_nearest_scope():
    rows = [docstring("shop.a.x", "Alone.run"), docstring("shop.a.y", "go"), docstring("shop.b", "far")]
    train, _, _ = docstring_triplets(rows, CONFIG | {"heldout_rows": 0})
    negatives = {row["query"]: row["negative"] for row in train}
    assert "shop.a.y go" in negatives["Do what shop.a.x Alone.run does."]


def test_short_and_shared_texts_are_counted(harvested):
    repeated = harvested[0] | {"qualname": "Copy.one", "summary": harvested[0]["summary"].upper()}
    same = harvested[1] | {"qualname": "Copy.two", "summary": "Another summary for it."}
    short = harvested[2] | {"description": "Too short."}
    _, _, dropped = docstring_triplets([*harvested, repeated, same, short], CONFIG)
    assert (dropped["duplicate_summary"], dropped["duplicate_description"], dropped["too_short"]) == (1, 1, 1)


def test_long_texts_are_cut(harvested):
    train, _, _ = docstring_triplets(harvested, CONFIG | {"max_words": 10})
    assert {len(row["positive"].split()) for row in train} == {10}


def test_another_seed_draws_other_rows(harvested):
    draws = [docstring_triplets(harvested, CONFIG | {"seed": seed})[0] for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


def test_the_command_writes_the_same_bytes_again(harvested, tmp_path, monkeypatch):
    write_table(tmp_path / "d.parquet", {key: [row[key] for row in harvested] for key in harvested[0]})
    (tmp_path / "source.json").write_text(
        json.dumps(CONFIG | {"source": "docstrings", "train_packages": ["shop"]})
    )
    monkeypatch.chdir(tmp_path)
    written = []
    for _ in range(2):
        options = "source.json --docstrings d.parquet --train t.parquet --heldout h.parquet --report r.json"
        monkeypatch.setattr("sys.argv", ["prepare_data", *options.split()])
        main()
        written.append([(tmp_path / name).read_bytes() for name in ("t.parquet", "h.parquet", "r.json")])
    assert written[0] == written[1]
    report = json.loads(written[0][2])
    assert report["rows"] == {"train": 120, "heldout": 30}
    assert report["train_texts_in_evaluation"] == 0


def test_training_on_docstrings_needs_no_package_to_evaluate_on(harvested, tmp_path):
    write_table(tmp_path / "d.parquet", {key: [row[key] for row in harvested[:-1]] for key in harvested[0]})
    source = tmp_path / "source.json"
    config = {"source": "docstrings", "train_packages": ["shop"], "eval_packages": []}
    source.write_text(json.dumps(CONFIG | config))
    train, heldout, report = prepare(str(source), str(tmp_path / "d.parquet"))
    assert (len(train), len(heldout)) == (120, 30)
    assert report["train_texts_in_evaluation"] is None  # there is nothing to look for them in


def test_texts_found_in_the_evaluation_are_counted(tmp_path):
    bank = docstring("bank.safe", "Safe.open", "eval", "bank")
    write_table(tmp_path / "d.parquet", {key: [bank[key]] for key in bank})
    row = {"query": bank["summary"].upper(), "positive": "something", "negative": bank["text"]}
    rows = [row, row | {"query": bank["description"]}]  # one of them is held out
    source = file_source(tmp_path, "\n".join(map(json.dumps, rows)), heldout_rows=1)
    _, _, report = prepare(source, str(tmp_path / "d.parquet"))
    assert report["train_texts_in_evaluation"] == 2


def test_word_counts_by_nearest_rank():
    texts = [" ".join(["word"] * count) for count in range(1, 21)]
    assert word_counts(texts) == {"min": 1, "median": 10, "p95": 19, "max": 20, "total": 210}


def file_source(folder, content, name="rows.jsonl", **config):
    if content is not None:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    source = folder / "source.json"
    source.write_text(json.dumps({"source": "file", "path": str(folder / name)} | config))
    return str(source)


GOOD = json.dumps({"query": "q", "positive": "p", "negative": "n"})


@pytest.mark.parametrize(
    ("content", "name", "named"),
    [
        (f'{GOOD}\n{{"query": "q", "positive"', "rows.jsonl", r"rows\.jsonl:2: not JSON: .* at column"),
        (f"{GOOD}\n[1, 2]\n", "rows.jsonl", r"rows\.jsonl:2: not a JSON object"),
        (
            f'{GOOD}\n\n{{"query": "q"}}',
            "rows.jsonl",
            r'rows\.jsonl:3: no column "positive"; found "query".*data\.columns\.positive',
        ),
        (GOOD.replace('"p"', '" "'), "rows.jsonl", r'rows\.jsonl:1: "positive" is empty'),
        (GOOD.replace('"p"', "null"), "rows.jsonl", r'rows\.jsonl:1: "positive" is empty'),
        (GOOD.replace('"p"', "7"), "rows.jsonl", r'rows\.jsonl:1: "positive" is 7, not text'),
        (f"{GOOD}\n".encode() + b'{"query": "\xff"}', "rows.jsonl", r"rows\.jsonl:2: not UTF-8"),
        (
            "query,positive,negative\na,b,c\na,b\n",
            "rows.csv",
            r"rows\.csv:3: 2 fields, but the header has 3 columns",
        ),
        ("query,positive,negative\na,b,c\na,,c\n", "rows.csv", r'rows\.csv:3: "positive" is empty'),
        ("query,text,negative\na,b,c\n", "rows.csv", r'rows\.csv:2: no column "positive"'),
        (b"query,positive,negative\na,b,c\na,\xe9,c\n", "rows.csv", r"rows\.csv:3: not UTF-8"),
        ('query,positive,negative\na,"b"c,d\n', "rows.csv", r"rows\.csv:2: not CSV"),
        ("no parquet", "rows.parquet", r"rows\.parquet:row 1: not readable as Parquet"),
        (None, "rows.jsonl", r"rows\.jsonl\": no such file"),
        ("a", "rows.txt", r"rows\.txt\" has an unknown format; choose from \.jsonl, \.csv, \.parquet"),
    ],
)
def test_malformed_files_are_named_with_the_line(tmp_path, content, name, named):
    with pytest.raises(BadInput, match=named):
        prepare(file_source(tmp_path, content, name), None)


def test_an_empty_parquet_text_is_named_with_its_row(tmp_path):
    columns = {"query": ["a", "b"], "positive": ["c", None], "negative": ["e", "f"]}
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "rows.parquet")
    with pytest.raises(BadInput, match=r'rows\.parquet:row 2: "positive" is empty'):
        prepare(file_source(tmp_path, None, "rows.parquet"), None)


def test_rows_that_can_be_dropped_are_counted(tmp_path):
    rows = [("a", "b", "c"), ("a", "b", "c"), ("d", "e", "e"), ("f", " ", "g"), ("h", "i", "j")]
    lines = "\n".join(
        json.dumps(dict(zip(("query", "positive", "negative"), row, strict=True))) for row in rows
    )
    train, heldout, report = prepare(file_source(tmp_path, lines, drop_empty=True, heldout_rows=1), None)
    assert sorted(row["query"] for row in train + heldout) == ["a", "h"]
    assert {reason: count for reason, count in report["dropped"].items() if count} == {
        "empty": 1, "duplicate": 1, "positive_is_negative": 1
    }  # fmt: skip


def test_columns_are_renamed_and_the_negative_may_be_absent(tmp_path):
    content = "\ufeffquestion,answer\nwhy,because\nhow,so\n"
    columns = {"query": "question", "positive": "answer"}
    source = file_source(tmp_path, content, "rows.csv", columns=columns, heldout_rows=1)
    train, heldout, _ = prepare(source, None)
    assert sorted(map(tuple, (row.items() for row in train + heldout))) == [
        (("query", "how"), ("positive", "so")),
        (("query", "why"), ("positive", "because")),
    ]


def test_a_negative_that_is_not_there_is_not_asked_for(tmp_path):
    content = "query,positive\nwhy,because\nhow,so\n"
    train, heldout, _ = prepare(file_source(tmp_path, content, "rows.csv", heldout_rows=1), None)
    assert {"query": "why", "positive": "because"} in train + heldout


def test_a_file_without_rows_and_an_unknown_data_set_are_named(tmp_path):
    with pytest.raises(BadInput, match=r"rows\.jsonl: no rows"):
        prepare(file_source(tmp_path, "\n"), None)
    source = file_source(tmp_path, None, source="hub", dataset=str(tmp_path / "absent"))
    with pytest.raises(BadInput, match='absent", split "train" cannot be loaded'):
        prepare(source, None)


def test_all_rows_of_a_query_are_on_one_side(tmp_path):
    rows = [{"query": f"q{n % 20}", "positive": f"p{n}", "negative": f"n{n}"} for n in range(100)]
    source = file_source(tmp_path, "\n".join(map(json.dumps, rows)), heldout_rows=15)
    train, heldout, _ = prepare(source, None)
    assert (len(train), len(heldout)) == (85, 15)
    assert not {row["query"] for row in train} & {row["query"] for row in heldout}


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"source": "files"}, 'data.source "files" is not known; did you mean file'),
        ({"heldout_rows": -1}, "data.heldout_rows -1 must be at least 1"),
        (
            {"columns": {"query": "q"}},
            r'rows\.jsonl:1: no column "q"; found "query", "positive", "negative"',
        ),
        ({"columns": {"anchor": "q"}}, "data.columns.anchor is not known"),
    ],
)
def test_a_wrong_key_is_named(tmp_path, config, named):
    with pytest.raises(BadInput, match=named):
        prepare(file_source(tmp_path, GOOD, **config), None)


def test_docstring_triplets_are_those_that_were_made_before_there_could_be_several_sources(harvested):
    """The hashes are those of the code before that."""
    train, heldout, _ = docstring_triplets(harvested, CONFIG)
    assert rows_hash(train) == "2826c3f179090552ed378e8d7709015d8da6a9edee218dc785a9f0a9c9727f08"
    assert rows_hash(heldout) == "5c3955fa3832a5b366c274a3af07d6c887d2840950d963bee98c644cfc8a3c72"
