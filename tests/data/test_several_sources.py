"""Rows of several sources: exact shares, no row twice, a query on one side, and what is refused."""

import itertools
import json
from collections import Counter

import pandas as pd
import pytest

from embedding_designs.common.errors import BadInput
from embedding_designs.data import prepare_data
from embedding_designs.data.docstring_table import COLUMNS, rows_hash
from embedding_designs.data.parquet_tables import write_table
from embedding_designs.data.prepare_data import prepare


@pytest.fixture
def make(tmp_path):
    """Return a function that prepares sources, name -> rows; own: settings of single sources."""

    def make(sources: dict[str, list[dict]], docstrings: str | None = None, own: dict | None = None, **data):
        entries = {}
        for name, rows in sources.items():
            path = tmp_path / f"{name}.jsonl"
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
            entries[name] = {"source": "file", "path": str(path)} | (own or {}).get(name, {})
        config = tmp_path / "data.json"
        config.write_text(json.dumps({"sources": entries, "heldout_rows": 10, **data}))
        return prepare(str(config), docstrings)

    return make


def rows(name: str, count: int, negative: bool = False) -> list[dict]:
    texts = ("query", "positive", "negative") if negative else ("query", "positive")
    return [{text: f"{name} {text} {number}" for text in texts} for number in range(count)]


def counts(side: list[dict]) -> dict[str, int]:
    return dict(Counter(row["source"] for row in side))


THREE = {"nli": rows("nli", 100), "qa": rows("qa", 100), "titles": rows("titles", 400)}
SHARES = {"nli": {"share": 0.5}, "qa": {"share": 0.3}, "titles": {"share": 0.2}}


def test_shares_of_training_and_heldout_rows_are_exact(make):
    train, heldout, report = make(THREE, own=SHARES, train_rows=150)
    assert counts(train) == {"nli": 75, "qa": 45, "titles": 30}
    assert counts(heldout) == {"nli": 5, "qa": 3, "titles": 2}
    assert all(row[text].startswith(row["source"]) for row in train for text in ("query", "positive"))
    assert report["rows"] == {"train": 150, "heldout": 10}


def test_a_source_too_small_for_its_share_limits_all_with_a_note(make, capsys):
    """nli has 95 rows besides its 5 held-out ones: half of 190; 30% of 190 are 57, and 20% are 38."""
    for train_rows in (None, 1000):
        settings = {"train_rows": train_rows} if train_rows else {}
        train, _, report = make(THREE, own=SHARES, **settings)
        assert counts(train) == {"nli": 95, "qa": 57, "titles": 38}
        assert report["dropped"]["titles"]["not_needed"] == 400 - 38 - 2
        said = capsys.readouterr().err
        assert (
            "data.sources.nli: its 95 training rows are 0.5 of 190; to keep the shares, no more rows" in said
        )
    assert "data.train_rows 1000: only 190 rows are available" in said


def test_without_shares_all_rows_are_used(make, capsys):
    train, heldout, _ = make(THREE, heldout_rows=60)
    assert counts(heldout) == {"nli": 10, "qa": 10, "titles": 40}
    assert counts(train) == {"nli": 90, "qa": 90, "titles": 360}
    assert "keep the shares" not in capsys.readouterr().err


def test_the_same_config_gives_the_same_rows_and_sources_are_mixed(make):
    first, again = (make(THREE, own=SHARES)[:2] for _ in range(2))
    assert first == again != make(THREE, own=SHARES, seed=1)[:2]
    order = [row["source"] for row in first[0]]
    assert sum(one != other for one, other in itertools.pairwise(order)) > len(order) / 3


def test_a_row_of_two_sources_is_the_first_ones(make):
    both = {"nli": rows("nli", 50), "again": rows("nli", 20) + rows("again", 30)}
    train, heldout, report = make(both)
    assert len({(row["query"], row["positive"]) for row in train + heldout}) == 80 == len(train + heldout)
    assert (report["dropped"]["nli"]["duplicate"], report["dropped"]["again"]["duplicate"]) == (0, 20)
    assert counts(train + heldout) == {"nli": 50, "again": 30}


def test_a_query_held_out_in_one_source_is_not_trained_on_in_another(make):
    other = [{"query": f"nli query {number}", "positive": f"another {number}"} for number in range(20, 100)]
    train, heldout, report = make({"nli": rows("nli", 100), "other": other}, heldout_rows=40)
    assert not {row["query"] for row in train} & {row["query"] for row in heldout}
    dropped = sum(report["dropped"][name]["not_needed"] for name in ("nli", "other"))
    assert dropped == 180 - len(train) - len(heldout) > 0


def test_docstrings_are_a_source_among_others(make, tmp_path):
    module = {"package": "shop", "kind": "function", "split": "train", "text": "t"}
    harvested = [
        module | {"module": f"shop.m{number % 20}", "qualname": f"f{number}",
                  "summary": f"Do what number {number} does.", "description": f"Ten long words {number} " * 3}
        for number in range(100)
    ]  # fmt: skip
    write_table(tmp_path / "d.parquet", {column: [row[column] for row in harvested] for column in COLUMNS})
    code = {"source": "docstrings", "train_packages": ["shop"]}
    sources = {"nli": rows("nli", 100, negative=True), "code": []}
    train, heldout, report = make(sources, str(tmp_path / "d.parquet"), own={"code": code}, train_rows=100)
    assert report["sources"] == {"nli": "file", "code": "docstrings"}
    assert counts(heldout) == {"nli": 5, "code": 5}
    assert abs(counts(train)["code"] - 50) <= 2
    assert all(row["query"].startswith("Do what" if row["source"] == "code" else "nli") for row in train)


def test_the_composition_counts_rows_and_words(make):
    long = [{"query": f"q {number}", "positive": f"three words {number}"} for number in range(30)]
    _, _, report = make({"short": rows("a", 10), "long": long}, heldout_rows=4)
    assert list(report["composition"]) == ["long", "short"]  # the largest first
    assert report["composition"]["long"] == {
        "rows": 27, "share_of_rows": 0.75, "words": 27 * 5, "share_of_words": round(135 / (135 + 54), 4),
        "words_per_row": 5.0, "heldout_rows": 3,
    }  # fmt: skip
    assert report["words_per_text"]["positive"] == {
        name: dict.fromkeys(("p5", "p25", "median", "p75", "p95"), 3) for name in ("long", "short")
    }


@pytest.mark.parametrize(
    ("sources", "settings", "line"),
    [
        ({"nli": rows("nli", 30, True), "qa": rows("qa", 30)}, {},
         "data.sources.qa has no negatives, but data.sources.nli has; add some, or set columns.negative to"),
        ({"nli": rows("nli", 30), "qa": [{"q": "a", "positive": "b"}]}, {},
         r'qa\.jsonl:1: no column "query"; found .*; name one of them in data.sources.qa.columns.query'),
        ({"nli": rows("nli", 30), "qa": [{"query": "", "positive": "b"}]}, {},
         "fill it or set data.sources.qa.drop_empty to true"),
        ({"nli": rows("nli", 30), "qa": []}, {}, r"data.sources.qa.path .*qa\.jsonl: no rows"),
        ({"nli": rows("nli", 30), "qa": rows("nli", 5)}, {},
         r"data.sources.qa.path .*qa\.jsonl: no training rows are left; dropped: 5 duplicate"),
        ({"nli": rows("nli", 300), "qa": rows("qa", 3)},
         {"own": {"nli": {"share": 0.5}, "qa": {"share": 0.5}}},
         "data.sources.qa, with its share of the held-out rows: data.heldout_rows 5 takes all 3 rows"),
        ({"nli": rows("nli", 300), "qa": rows("qa", 30)},
         {"own": {"nli": {"share": 0.99}, "qa": {"share": 0.01}}, "train_rows": 20},
         "data.sources.qa: its share of 20 training rows is less than one row"),
        ({"nli": rows("nli", 30)}, {"own": {"nli": {"share": 0.3}}}, "the shares add up to 0.3, not 1"),
        ({"nli": rows("nli", 30)}, {"own": {"nli": {"path": "a.csv"}}},
         'data.sources.nli.path "a.csv": no such'),
    ],
)  # fmt: skip
def test_what_cannot_be_put_together_is_named_on_one_line(make, sources, settings, line):
    with pytest.raises(BadInput, match=line) as error:
        make(sources, **settings)
    assert "\n" not in str(error.value)


def one_source(folder, content: list[dict], **config):
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in content))
    (folder / "c.json").write_text(
        json.dumps({"source": "file", "path": str(folder / "rows.jsonl"), **config})
    )
    return prepare(str(folder / "c.json"), None)


def test_the_source_column_of_a_single_source_is_kept(tmp_path):
    labels = ["nli", "nli", None, " qa\t1 ", 7, ""]
    content = [row | {"source": labels[n % 6]} for n, row in enumerate(rows("a", 60))]
    train, heldout, report = one_source(tmp_path, content, heldout_rows=6)
    assert counts(train + heldout) == {"nli": 20, "unknown": 20, "qa 1": 10, "7": 10}
    assert list(train[0]) == ["query", "positive", "source"]
    assert report["composition"]["nli"]["rows"] == counts(train)["nli"]
    assert list(report["words"]) == ["query", "positive"]


def test_another_column_or_none_can_name_the_source(tmp_path):
    content = [row | {"source": "x", "domain": f"d{n % 2}"} for n, row in enumerate(rows("a", 20))]
    train, _, _ = one_source(tmp_path, content, heldout_rows=2, columns={"source": "domain"})
    assert set(counts(train)) == {"d0", "d1"}
    train, _, report = one_source(tmp_path, content, heldout_rows=2, columns={"source": None})
    assert list(train[0]) == ["query", "positive"]
    assert "composition" not in report and report["columns_not_read"] == ["source", "domain"]
    with pytest.raises(BadInput, match=r'no column "origin".*name one of them in data\.columns\.source'):
        one_source(tmp_path, content, columns={"source": "origin"})


def test_homogeneous_batches_need_rows_that_name_their_source(tmp_path):
    with pytest.raises(
        BadInput, match=r'data\.batches "homogeneous": no column "source"; name one in data\.col'
    ):
        one_source(tmp_path, rows("a", 20), heldout_rows=2, batches="homogeneous")


def test_many_sources_are_reported_by_their_largest(tmp_path):
    content = [row | {"source": f"s{min(n, 30)}"} for n, row in enumerate(rows("a", 200))]
    _, _, report = one_source(tmp_path, content, heldout_rows=1)
    names = list(report["composition"])
    assert len(names) == 20 and names[0] == "s30" and names[-1].endswith(" others")
    assert sum(numbers["rows"] for numbers in report["composition"].values()) == 199


def test_rows_of_one_source_are_those_that_were_prepared_before_there_could_be_several(tmp_path, monkeypatch):
    """The hashes are those of the code before that; of rows, because Parquet's bytes depend on pyarrow."""
    content = [
        {"query": f"q{n % 70}", "positive": f"p{n % 90}", "negative": [f"n{n}", f"m{n % 7}"], "other": n}
        for n in range(200)
    ]
    one_source(tmp_path, content, heldout_rows=40, train_rows=250, seed=5)
    paths = {side: tmp_path / f"{side}.parquet" for side in ("train", "heldout")}
    options = [word for side, path in paths.items() for word in (f"--{side}", str(path))]
    options += ["--report", str(tmp_path / "r.json")]
    monkeypatch.setattr("sys.argv", ["prepare_data", str(tmp_path / "c.json"), *options])
    prepare_data.main()
    assert {side: rows_hash(pd.read_parquet(path).to_dict("records")) for side, path in paths.items()} == {
        "train": "bcf415bce19c635d1f829982dab559a011fc393cb9669a09b92b656aee41f7ca",
        "heldout": "3b9efcf38ed5b7682b3d53f819da84ba9c02738a28ada4059671cb4ec4ef4421",
    }
    assert list(pd.read_parquet(paths["train"])) == ["query", "positive", "negative"]
    keys = ["source", "seed", "rows", "rows_asked", "read", "columns_not_read", "dropped", "words",
            "shared_texts", "heldout_rows_with_a_positive_of_training", "train_texts_in_evaluation",
            "sha256"]  # fmt: skip
    assert list(json.loads((tmp_path / "r.json").read_text())) == keys
