"""The docs name only files that exist, and the walk from a study to its diagram is short."""

import re

import pytest

from helpers.paths import PACKAGE, ROOT

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "config/README.md", ROOT / "results/README.md"]
MOST_FILES = 15
SOURCE = r"`([\w./-]+\.(?:py|smk|yaml|sh))`"


def name_of(page) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_between_pages_lead_to_files(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_of_the_package_exist(page):
    commands = re.findall(r"python -m embedding_designs\.([\w.]+)", page.read_text(encoding="utf-8"))
    assert [name for name in commands if not (PACKAGE / f"{name.replace('.', '/')}.py").exists()] == []


@pytest.mark.parametrize("page", ["architecture.md", "extending.md"])
def test_files_that_a_page_names_exist(page):
    named = re.findall(SOURCE, (ROOT / "docs" / page).read_text(encoding="utf-8"))
    folders = [ROOT, PACKAGE, PACKAGE / "modules"]
    assert [name for name in named if not any((folder / name).exists() for folder in folders)] == []


def test_the_walk_from_a_study_to_its_diagram_names_few_files():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    walk = re.search(r"(?s)## One design, from YAML to diagram\n(.*?)\n## ", text)[1]
    steps = re.findall(r"(?m)^\d+\. (.*)$", walk)
    assert 0 < len(steps) <= MOST_FILES
    assert [step for step in steps if len(re.findall(SOURCE, step)) != 1] == []


def test_architecture_md_lists_every_folder_of_the_package():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert {name for name in folders if f"| `{name}` |" not in text} == set()
