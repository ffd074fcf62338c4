"""A base in a GGUF file: of a package, a hub repository or a folder, as a transformers folder."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from embedding_designs.common.errors import BadInput
from embedding_designs.common.hashes import file_hash
from embedding_designs.fetching import fetched
from embedding_designs.fetching.gguf_base import convert
from embedding_designs.fetching.wheel import file_of_package
from embedding_designs.study.base_folder import check_base_folder
from helpers import hub, package_index
from helpers.gguf_files import write_gguf
from helpers.paths import ROOT

NOBODY = "http://127.0.0.1:9"  # the port of discard: nothing answers there
FILE = "tiny_lm/tiny.Q8_0.gguf"


@pytest.fixture(scope="session")
def gguf(tmp_path_factory):
    return write_gguf(tmp_path_factory.mktemp("gguf") / "tiny.Q8_0.gguf")


@pytest.fixture(scope="session")
def index(gguf, tmp_path_factory):
    """Return the folder of an index that has the package tiny-lm, and the key `package` that names it."""
    place = tmp_path_factory.mktemp("index")
    sha256 = package_index.write_wheel(place, "tiny-lm", "0.1", {FILE: gguf.read_bytes()})
    return place, {"name": "tiny-lm", "version": "0.1", "sha256": sha256, "gguf_file": FILE}


@pytest.fixture(scope="session")
def of_package(index, tmp_path_factory):
    """Return the folder of a study that has fetched the package."""
    place, package = index
    folder = tmp_path_factory.mktemp("study")
    with package_index.serving(place) as (address, requests):
        done = fetch(folder, {"package": package}, address)
    assert done.returncode == 0, done.stderr
    assert not [path for path in requests if "not-wanted" in path]
    return folder


def pip_settings(index: str) -> dict[str, str]:
    return {
        "PIP_INDEX_URL": index, "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PIP_RETRIES": "1",
        "PIP_NO_CACHE_DIR": "1", "NO_PROXY": "127.0.0.1",
    }  # fmt: skip


def fetch(folder: Path, base: dict, index: str = NOBODY, **variables: str) -> subprocess.CompletedProcess:
    """Run fetch_base with a cache of its own in `folder`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "PIP_"))}
    surroundings = {
        **inherited, "PYTHONPATH": str(ROOT / "workflow"), "HF_HOME": str(folder / "home"),
        "HF_ENDPOINT": NOBODY, **pip_settings(index), **variables,
    }  # fmt: skip
    config, output = folder / "base.json", folder / "fetched.json"
    config.write_text(json.dumps({"name": "mine", "trust_remote_code": False, **base}))
    output.unlink(missing_ok=True)
    command = [sys.executable, "-m", "embedding_designs.fetching.fetch_base", config, "--output", output]
    return subprocess.run(command, env=surroundings, capture_output=True, text=True)


def made(folder: Path) -> Path:
    """Return the only transformers folder in the cache, after looking that nothing else is left there."""
    (found,) = (folder / "home/from_gguf").rglob("config.json")
    files = [file for file in (folder / "home/from_gguf").rglob("*") if file.is_file()]
    assert {file.suffix for file in files if file.parent != found.parent} <= {".lock"}
    return found.parent


def test_the_folder_made_from_a_package_is_what_transformers_reads_from_its_file(of_package, gguf):
    folder = made(of_package)
    model = AutoModelForCausalLM.from_pretrained(folder)
    direct = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name)
    weights, expected = model.state_dict(), direct.state_dict()
    assert model.dtype == torch.bfloat16 and weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name].bfloat16()) for name in expected)
    assert "quantization_config" not in json.loads((folder / "config.json").read_text())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    of_file = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    assert tokenizer("the text").input_ids == of_file("the text").input_ids
    assert tokenizer.eos_token == "<end>"
    assert check_base_folder("mine", {"package": {"name": "tiny-lm", "version": "0.1"}}, folder) is None


def test_what_was_made_once_needs_no_network_and_is_found_again(index, of_package, tmp_path, monkeypatch):
    _, package = index
    home = str(of_package / "home")
    before = made(of_package).stat().st_mtime_ns
    assert fetch(tmp_path, {"package": package}, HF_HOME=home).returncode == 0
    assert made(of_package).stat().st_mtime_ns == before
    record = {"kind": "base", "for": "mine", "name": f"tiny-lm 0.1: {FILE}", "revision": package["sha256"]}
    assert json.loads((tmp_path / "fetched.json").read_text()) == [record]
    base = {"name": "mine", "package": package}
    monkeypatch.setattr(fetched.constants, "HF_HOME", home)
    assert fetched.fetched_base(base, tmp_path / "fetched.json") == (base, str(made(of_package)))
    monkeypatch.setattr(fetched.constants, "HF_HOME", str(tmp_path / "empty"))
    with pytest.raises(BadInput, match=r"bases\.mine: tiny-lm 0\.1: .* is not in .*empty; set HF_HOME to"):
        fetched.fetched_base(base, tmp_path / "fetched.json")


def test_a_file_in_a_folder_or_on_a_hub_is_made_into_the_same_weights(gguf, tmp_path):
    (tmp_path / "own").mkdir()
    shutil.copy(gguf, tmp_path / "own")
    own = {"model": str(tmp_path / "own"), "gguf_file": gguf.name}
    assert fetch(tmp_path / "own", own).returncode == 0
    (entry,) = json.loads((tmp_path / "own/fetched.json").read_text())
    assert entry["revision"] == file_hash(gguf)
    repository = tmp_path / "hub/some/model/main"
    repository.mkdir(parents=True)
    shutil.copy(gguf, repository)
    (repository / "other.Q4_0.gguf").write_text("not wanted")
    (tmp_path / "there").mkdir()
    on_hub = {"model": "some/model", "gguf_file": gguf.name}
    with hub.serve(tmp_path / "hub") as address:
        done = fetch(tmp_path / "there", on_hub, HF_ENDPOINT=address)
        assert done.returncode == 0, done.stderr
        absent = fetch(tmp_path / "there", {**on_hub, "gguf_file": "absent.gguf"}, HF_ENDPOINT=address)
    said = "error: bases.mine.model some/model: absent.gguf: no such file; its GGUF files: other.Q4_0.gguf,"
    assert absent.returncode == 2 and said in absent.stderr and "Traceback" not in absent.stderr
    assert not (tmp_path / "there/fetched.json").exists()
    assert not [*(tmp_path / "there").rglob("other*")]
    weights = [(made(tmp_path / name) / "model.safetensors").read_bytes() for name in ("own", "there")]
    assert weights[0] == weights[1]


def test_what_cannot_be_had_of_a_package_is_said_in_one_line(index, tmp_path, monkeypatch):
    place, package = index
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))"
    (tmp_path / "sitecustomize.py").write_text(limited)
    with package_index.serving(place) as (address, _):
        for number, (changed, variables, said) in enumerate(
            [
                ({"gguf_file": "a/b.gguf"}, {}, f"no a/b.gguf in its wheel; its GGUF files: {FILE}"),
                ({"sha256": "0" * 64}, {}, f"its wheel has the sha256 {package['sha256']}, not {'0' * 64}"),
                ({"name": "absent"}, {}, "the package index has no such package, or no wheel of it"),
                ({"version": "9"}, {}, "the package index has no wheel of this version; it has 0.1"),
                ({}, {"PIP_INDEX_URL": NOBODY}, "the package index cannot be reached, and "),
                ({}, {"PYTHONPATH": str(tmp_path)}, "no space is left for tiny-lm==0.1 in "),
            ]
        ):
            with monkeypatch.context() as surroundings, pytest.raises(BadInput, match=re.escape(said)):
                for name, value in (pip_settings(address) | variables).items():
                    surroundings.setenv(name, value)
                (tmp_path / f"{number}").mkdir()
                file_of_package(package | changed, tmp_path / f"{number}", "bases.mine")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"architecture": "bert"}, "GGUF model with architecture bert is not supported yet"),
        ({"architecture": "t5"}, "own.gguf is a t5; expected a decoder-only language model"),
        ({"eos": False}, "the tokenizer in own.gguf has no EOS token; choose a file that has one"),
    ],
)
def test_a_file_that_is_not_a_decoder_with_an_eos_token_is_refused(given, said, tmp_path):
    with pytest.raises(BadInput, match=rf"bases\.mine: .*{said}"):
        convert(write_gguf(tmp_path / "own.gguf", **given), tmp_path / "made", "bases.mine")
    assert [file.name for file in tmp_path.iterdir()] == ["own.gguf"]


def test_a_folder_is_checked_for_its_file_before_anything_is_made(gguf, tmp_path):
    shutil.copy(gguf, tmp_path)
    (tmp_path / "text.gguf").write_text("text")

    def said(file: str) -> str | None:
        return check_base_folder("mine", {"model": str(tmp_path), "gguf_file": file})

    assert said(gguf.name) is None
    assert said("text.gguf").endswith(": text.gguf: not a GGUF file")
    assert said("absent.gguf").endswith("no such file; its GGUF files: text.gguf, tiny.Q8_0.gguf")
