"""Any bytes as a table of scores or labels are either read or refused in one line that names the file."""

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedding_designs.common.errors import BadInput
from embedding_designs.common.score_files import write_scores
from embedding_designs.scores.missing_scores import complete
from embedding_designs.scores.published.labels import read_labels
from embedding_designs.scores.published.pools import published_scores
from embedding_designs.scores.score_table import COLUMNS, read_scores

TIDY = """model,task,category,score
a,t1,Mine,0.1
b,t1,Mine,0.2
a,t2,Mine,0.3
b,t2,Mine,0.4
"""
CELLS = st.one_of(
    st.sampled_from(
        ["a", "b", "a ", "A", "é", "e\u0301", "t1", "t2", "Mine", "mine", "All", "1", "01", "0.5"]
    ),
    st.sampled_from(
        ["", " ", "nan", "inf", "1e999", "70", "-0.0", "a/b", "..", "x" * 300, "a\nb", "\0", "￼"]
    ),
    st.text(max_size=4),
)


def tables(columns: list[str]) -> st.SearchStrategy[bytes]:
    """Return CSV tables with some of these columns, and arbitrary bytes."""
    rows = st.lists(st.sampled_from(columns), unique=True, min_size=1).flatmap(
        lambda header: st.lists(st.lists(CELLS, min_size=len(header), max_size=len(header)), max_size=6).map(
            lambda body: as_csv([header, *body])
        )
    )
    return st.one_of(rows, rows, rows, st.binary(max_size=60))


def as_csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "surrogatepass")


def source(file: Path, kind: str = "table", **keys) -> dict:
    return {"from": kind, "path": str(file), "benchmark": None, "tasks": [], "pools": {}} | keys


def refused(reading, file: Path, *, by_key: bool = False) -> bool:
    """Return whether the content is refused, in one line that starts with the file or a key."""
    try:
        reading(file)
    except BadInput as error:
        assert str(error).startswith((str(file), "scores.") if by_key else str(file)), error
        assert str(error).isprintable()
        return True
    return False


def check(content: bytes, reading, **how) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "mine.csv"
        file.write_bytes(content)
        refused(reading, file, **how)


def comes_back(kind: str):
    """Return a function that collects a table and asserts that the comparison can read the result."""

    def reading(file: Path) -> None:
        scores = published_scores(source(file, kind)).rows
        write_scores(scores, file.parent / "scores.csv")
        assert len(read_scores(file.parent / "scores.csv")) == len(scores)

    return reading


@given(tables(COLUMNS))
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_a_table_of_scores_or_a_one_line_error(content):
    check(content, read_scores)


@given(
    tables(["model", "design", "base", "seed", "task", "category", "score", "pooling", "attention", "note"])
)
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_a_tidy_table_or_a_one_line_error(content):
    if b"category" in content:  # otherwise each task is looked up in MTEB, which is slow
        check(content, comes_back("table"), by_key=True)


@given(tables(["model_name", "", "STS12", "STS13", "NFCorpus"]))
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_a_wide_table_or_a_one_line_error(content):
    check(content, comes_back("published"), by_key=True)


@given(tables(["model", "name", "pooling", "attention", "backbone"]))
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_labels_or_a_one_line_error(content):
    check(content, read_labels)


@pytest.fixture
def read(tmp_path):
    """Return a function that collects the scores of a tidy table."""

    def reading(text: str, **keys):
        file = tmp_path / "mine.csv"
        file.write_text(text)
        return published_scores(source(file, **keys)).rows

    return reading


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("b,t2", "b,t1"), "mine.csv:5: a second score for model b, seed 0, task t1"),
        (("b,t2", "a ,t1"), "mine.csv:5: a second score for model a, seed 0, task t1"),
        (("b,t2", " ,t2"), "mine.csv:5: model is empty"),
        (("b,t2", '"b\nc",t2'), 'mine.csv:5: model "b\\nc" contains a line break or control character'),
        (("0.3", "good"), 'mine.csv:4: model a, seed 0, task t2: score "good" is not a number from -1 to 1'),
        (("0.3", "30"), 'score "30" is not a number from -1 to 1; divide scores in percent by 100'),
        (("0.3", "infinity"), 'score "infinity" is not a number'),
        (("b,t2,Mine", "b,t2,Other"), 'mine.csv:5: task t2 has the category "Other", but "Mine" in an'),
        (("t2,Mine", "t2,mine"), 'mine.csv:4: category "mine" and "Mine" differ only in case'),
        (("Mine", "."), 'mine.csv:2: category "." cannot be part of a file name'),
        (("Mine", "Z" * 101), "is longer than 100 bytes"),
        (("Mine", "All"), 'category "All" is reserved for all tasks together'),
        (("category,score", "kind,score"), 'is like it); add a column "category"'),
        (("Mine,0.4", "Mine"), "mine.csv:5: 3 fields, but the header has 4 columns"),
    ],
)
def test_a_table_is_refused_with_file_and_line(read, change, message):
    with pytest.raises(BadInput) as error:
        read(TIDY.replace(*change))
    assert message in str(error.value)


def test_seeds_are_numbers_so_1_and_01_are_equal(read):
    text = "model,seed,task,category,score\na,1,t1,Mine,0.1\na,01,t1,Mine,0.2\n"
    with pytest.raises(BadInput, match=r"mine\.csv:3: a second score for model a, seed 1, task t1"):
        read(text)
    with pytest.raises(BadInput, match='seed "4294967296" is not an integer from 0 to 4294967295'):
        read(text.replace("01", "4294967296"))


def test_white_space_and_unicode_form_do_not_make_another_model(read):
    scores = read(TIDY.replace("b,t1", "é,t1").replace("b,t2", "e\u0301 ,t2"))
    assert scores["design"].tolist() == ["a", "a", "é", "é"]


def test_an_empty_category_is_filled_from_another_row_of_the_task(read):
    assert read(TIDY.replace("b,t1,Mine", "b,t1,"))["category"].unique().tolist() == ["Mine"]


@pytest.mark.parametrize("cell", ["", "NaN", "n/a", "None"])
def test_a_model_without_any_score_is_reported_as_missing(read, cell):
    scores = read(TIDY + f"c,t1,Mine,{cell}\nc,t2,Mine,{cell}\n")
    assert scores["design"].unique().tolist() == ["a", "b", "c"]
    study = {"scores": {"pools": {}}}
    with pytest.raises(BadInput) as error:
        complete(scores, study, "mine.csv")
    assert str(error.value) == (
        "mine.csv: 2 scores of 1 model missing: base all, design c, seed 0, task t1; base all, design c, "
        "seed 0, task t2; leave incomplete models out (scores.pools.all.complete: true), choose other models "
        "(scores.pools.all.models) or drop these tasks (statistics.missing: drop_tasks)"
    )
    with pytest.raises(BadInput, match="so none is left; design c lacks the most"):
        complete(scores, study | {"statistics": {"missing": "drop_tasks"}}, "mine.csv")


def test_with_many_missing_scores_each_model_is_named_with_one(read):
    lacking = "".join(f"{model},t1,Mine,0.5\n" for model in "cdefghij")
    with pytest.raises(BadInput) as error:
        complete(read(TIDY + lacking + "c,t3,Mine,0.5\n"), {"scores": {"pools": {}}}, "mine.csv")
    assert str(error.value).startswith(  # t2 for eight models, t3 for nine, including a and b
        "mine.csv: 17 scores of 10 models missing: a on t3; b on t3; c on t2; d on t2 and 1 more; "
        "e on t2 and 1 more; and 5 more models; leave incomplete models out "
    )


def test_a_column_that_is_not_a_task_is_named_with_the_remedy(tmp_path):
    file = tmp_path / "wide.csv"
    file.write_text("model,STS12,size\na,0.1,7\nb,0.2,8\n")
    with pytest.raises(
        BadInput, match=r"wide\.csv:2: size is not an MTEB task .*; list the columns that are"
    ):
        published_scores(source(file, "published"))
    rows, left, _ = published_scores(source(file, "published", tasks=["STS12"]))
    assert rows["score"].tolist() == [0.1, 0.2]
    assert [(entry.what, entry.names) for entry in left] == [("task", ["size"])]


def test_what_a_table_contains_besides_its_scores_is_named(tmp_path):
    file = tmp_path / "mine.csv"
    lines = [*TIDY.splitlines(), "c,t1,Mine,", "d,t1,Mine,0.9", "d,t2,Mine,0.9"]
    rows = [f"{number},{line},7" for number, line in enumerate(lines)]
    file.write_text("\n".join([f",{TIDY.splitlines()[0]},size", *rows[1:]]))
    (tmp_path / "labels.csv").write_text("model,pooling,year\na,eos,2024\ne,mean,2025\n")
    pools = {"p": {"models": ["a", "b", "c"], "complete": True}}
    _, left, _ = published_scores(source(file, labels=str(tmp_path / "labels.csv"), pools=pools))
    assert [(entry.what, entry.count, entry.names) for entry in left] == [
        ("column", 1, ["column 1"]),
        ("column", 1, ["size"]),
        ("label", 1, ["year"]),
        ("labeled model", 1, ["e"]),
        ("model", 1, ["c"]),
        ("model", 1, ["d"]),
    ]
    assert left[4].reason == "a score is missing, and pool p has only complete models"
    assert left[5].reason == "in no pool"
