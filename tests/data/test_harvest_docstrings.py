import hashlib
import json
import os
import subprocess
import sys

import pyarrow.parquet
import pytest

from embedding_designs.common.errors import BadInput
from embedding_designs.data.docstrings.text import prose
from embedding_designs.data.harvest_docstrings import harvest, read_packages, without_duplicates

EXPLODING = '''"""A module that nobody may import. It says so twice."""
raise SystemExit("imported")


class Shelf:
    """Keep books in order.

    A shelf sorts its books by author whenever one is added.
    """

    def add(self, book):
        """Put a book on the shelf.

        Parameters
        ----------
        book : str
            The book that is put on the shelf.

        Examples
        --------
        >>> Shelf().add("Emma")
        """

        def helper():
            """Not harvested: nobody can call it."""


if True:

    async def lend(book):
        """Lend a book."""
'''


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Two packages on the path whose import ends the process."""
    for package in ("bookshelf", "catalogue"):
        folder = tmp_path / "site" / package
        (folder / "tests").mkdir(parents=True)
        (folder / "__init__.py").write_text(
            f'"""The {package} of a library."""\nraise SystemExit("imported")\n'
        )
        (folder / "tests" / "test_it.py").write_text('"""Tests are not documentation."""\n')
    (tmp_path / "site" / "bookshelf" / "shelf.py").write_text(EXPLODING)
    (tmp_path / "site" / "bookshelf" / "broken.py").write_text("def (:\n")
    (tmp_path / "site" / "bookshelf" / "latin.py").write_bytes(b'"""Caf\xe9."""\n')
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return tmp_path


def test_nothing_is_imported_and_every_kind_of_object_is_found(packages):
    rows, report = harvest({"bookshelf": "train"})
    found = {(row["module"], row["qualname"]): row["kind"] for row in rows}
    assert found == {
        ("bookshelf", ""): "module",
        ("bookshelf.shelf", ""): "module",
        ("bookshelf.shelf", "Shelf"): "class",
        ("bookshelf.shelf", "Shelf.add"): "method",
        ("bookshelf.shelf", "lend"): "function",
    }
    assert not {"bookshelf", "bookshelf.shelf"} & sys.modules.keys()
    assert report["packages"]["bookshelf"]["files"] == 4
    assert report["unreadable_files"] == 2


def test_summary_and_description_are_prose(packages):
    rows, _ = harvest({"bookshelf": "train"})
    add = next(row for row in rows if row["qualname"] == "Shelf.add")
    assert (add["summary"], add["description"]) == (
        "Put a book on the shelf.",
        "The book that is put on the shelf.",
    )
    module = next(row for row in rows if row["module"] == "bookshelf.shelf" and row["kind"] == "module")
    assert (module["summary"], module["description"]) == (
        "A module that nobody may import.",
        "It says so twice.",
    )


@pytest.mark.parametrize(
    ("docstring", "summary", "description"),
    [
        (
            "Use :func:`~numpy.fft.fft`, e.g. Fourier's. Then *stop*.",
            "Use fft, e.g. Fourier's.",
            "Then stop.",
        ),
        ("Sum it::\n\n    a + b\n\nAll of it.", "Sum it:", "All of it."),
        (
            "Read.\n\nArgs:\n    path (str, optional): Where to\n        read from.",
            "Read.",
            "Where to read from.",
        ),
        ("Ask her.\n\n:param who: the person asked\n:type who: str", "Ask her.", "the person asked."),
        ("Give.\n\nReturns\n-------\nfloat\n    The mean value.", "Give.", "The mean value."),
        (".. deprecated:: 1.0\n   Gone soon.\n\nGo on as before.", "Go on as before.", ""),
        ("Lone \ud800 half.", "Lone ? half.", ""),
        (">>> 1 + 1\n2", "", ""),
    ],
)
def test_code_and_markup_are_left_out(docstring, summary, description):
    cleaned = prose(docstring)
    assert (cleaned.summary, cleaned.description) == (summary, description)


def row(text, split, summary="", description=""):
    return {"text": text, "summary": summary or text, "description": description, "split": split}


def test_texts_of_the_evaluation_never_stay_in_training():
    kept, dropped = without_duplicates(
        [
            row("Sort the  rows.", "train"),
            row("Sort the rows. Then more.", "train", summary="sort the rows."),
            row("Other words.", "train", summary="Other words.", description="Kept in order."),
            row("Stays.", "train"),
            row("stays.", "train"),
            row("Sort the rows.", "eval"),
            row("Something else.", "eval", description="kept in order."),
        ]
    )
    assert [one["text"] for one in kept] == ["Stays.", "Sort the rows.", "Something else."]
    assert dropped == {"duplicate": 1, "in_eval_packages": 3}


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"train_packages": ["bookshelf"], "eval_packages": ["no_such_one"]}, 'eval_packages "no_such_one"'),
        ({"train_packages": ["bookshelf"], "eval_packages": ["bookshelf"]}, 'eval_packages "bookshelf"'),
        ({"train_packages": "stdlib", "eval_packages": ["bookshelf"]}, 'train_packages "stdlib"'),
        ({"train_packages": ["stdlib"], "eval_packages": None}, "eval_packages null"),
        ({"eval_packages": []}, "neither train_packages nor eval_packages names a package"),
        (["bookshelf"], "neither train_packages nor eval_packages names a package"),
        ({"train_packages": ["stdlib"], "eval_packages": ["asyncio"]}, '"asyncio" is already part'),
    ],
)
def test_a_wrong_list_of_packages_is_named(packages, config, named):
    source = packages / "source.json"
    source.write_text(json.dumps(config))
    with pytest.raises(BadInput, match=named):
        read_packages(str(source))


@pytest.mark.parametrize(
    ("config", "splits"),
    [
        ({"source": "file", "path": "mine.csv", "eval_packages": ["catalogue"]}, {"catalogue": "eval"}),
        ({"train_packages": ["bookshelf"], "eval_packages": []}, {"bookshelf": "train"}),
    ],
)
def test_only_what_the_study_needs_is_harvested(packages, config, splits):
    source = packages / "source.json"
    source.write_text(json.dumps(config))
    assert read_packages(str(source)) == splits
    rows, report = harvest(splits)
    assert {row["package"]: row["split"] for row in rows} == splits
    assert set(report["packages"]) == set(splits)


def test_the_harvest_depends_on_the_files_alone(packages):
    source = packages / "source.json"
    source.write_text(json.dumps({"train_packages": ["bookshelf", "joblib"], "eval_packages": ["catalogue"]}))
    hashes = set()
    for hash_seed, processes in (("0", "1"), ("1", "2")):
        output, report = packages / f"{hash_seed}.parquet", packages / f"{hash_seed}.json"
        command = [
            "-m",
            "embedding_designs.data.harvest_docstrings",
            source,
            "--output",
            output,
            "--report",
            report,
        ]
        subprocess.run(
            [sys.executable, *command, "--processes", processes],
            env=os.environ
            | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": f"workflow{os.pathsep}{packages / 'site'}"},
            check=True,
        )
        hashes.add((hashlib.sha256(output.read_bytes()).hexdigest(), report.read_text()))
    assert len(hashes) == 1
    rows = pyarrow.parquet.read_table(output).to_pylist()
    splits = {split: {one["package"] for one in rows if one["split"] == split} for split in ("train", "eval")}
    assert splits == {"train": {"bookshelf", "joblib"}, "eval": {"catalogue"}}


def test_the_references_of_a_docstring_are_left_out():
    docstring = "Rotate a point.\n\nIt turns left.\n\nReferences\n----------\nA book on turning points, 1999."
    assert prose(docstring).text == "Rotate a point.\nIt turns left."
