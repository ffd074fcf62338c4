"""Fetching from a hub, and finding what was fetched without one, through the real client library."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from helpers import hub
from helpers.paths import ROOT

MODEL = {"config.json": "{}", "tokenizer.json": "{}", "model.safetensors": "x" * 100_000}
NOBODY = "http://127.0.0.1:9"  # the port of discard: no hub there


@pytest.fixture
def repositories(tmp_path):
    """Return the folder of a hub with a model and a dataset of five rows."""
    write(tmp_path / "hub/base/tiny/main", MODEL)
    data = tmp_path / "hub/datasets/some/data/main/data"
    data.mkdir(parents=True)
    rows = pd.DataFrame({"query": list("abcde"), "positive": list("fghij"), "negative": list("klmno")})
    rows.to_parquet(data / "train-00000-of-00001.parquet", index=False)
    return tmp_path / "hub"


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def environment(address: str, home: Path, **variables: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return {
        **inherited, "PYTHONPATH": str(ROOT / "workflow"), "HF_ENDPOINT": address, "HF_HOME": str(home),
        "NO_PROXY": "127.0.0.1", "HF_HUB_DISABLE_TELEMETRY": "1", **variables,
    }  # fmt: skip


def another_program(code: str, address: str, home: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", code], env=environment(address, home), check=True, capture_output=True
    )


def run(module: str, *arguments: object, address: str, home: Path, **variables: str):
    command = [sys.executable, "-m", f"embedding_designs.{module}", *map(str, arguments)]
    surroundings = environment(address, home, **variables)
    return subprocess.run(command, env=surroundings, capture_output=True, text=True)


def fetch_base(folder: Path, address: str, model: str = "base/tiny", code: bool = False, **given: str):
    """Run the command and return the process; variables of the environment are in capitals."""
    variables = {name: value for name, value in given.items() if name.isupper()}
    config = {"name": "mine", "model": model, "trust_remote_code": code}
    config |= {name: value for name, value in given.items() if not name.isupper()}
    (folder / "config.json").write_text(json.dumps(config))
    output = folder / "fetched.json"
    output.unlink(missing_ok=True)
    arguments = [folder / "config.json", "--output", output]
    done = run("fetching.fetch_base", *arguments, address=address, home=folder / "home", **variables)
    assert done.returncode == 0 or not output.exists()
    return done


def cached_files(folder: Path, name: str) -> set[str]:
    root = next(folder.glob(f"home/hub/*--{name.replace('/', '--')}/snapshots/*"))
    return {file.relative_to(root).as_posix() for file in root.rglob("*") if file.is_file()}


def test_the_commit_is_recorded_and_a_second_fetch_moves_no_file(repositories, tmp_path):
    with hub.serving(repositories) as (address, requests):
        assert fetch_base(tmp_path, address).returncode == 0
        fetched = [{"kind": "base", "for": "mine", "name": "base/tiny", "revision": hub.COMMITS["main"]}]
        assert json.loads((tmp_path / "fetched.json").read_text()) == fetched
        requests.clear()
        assert fetch_base(tmp_path, address).returncode == 0
        assert not [path for method, path in requests if "/resolve/" in path and method == "GET"]


def test_what_is_there_whole_at_its_commit_needs_no_network(repositories, tmp_path):
    write(repositories / "base/tiny/main", {"pytorch_model.bin": ""})
    commit = hub.COMMITS["main"]
    with hub.serve(repositories) as address:
        one_file = f"huggingface_hub.hf_hub_download('base/tiny', 'config.json', revision='{commit}')"
        another_program(f"import huggingface_hub; {one_file}", address, tmp_path / "home")
        assert "is not in" in one_line(fetch_base(tmp_path, NOBODY, revision=commit))
        assert fetch_base(tmp_path, address).returncode == 0
    assert fetch_base(tmp_path, NOBODY, revision=commit).returncode == 0
    assert "cannot be reached and is not in" in one_line(fetch_base(tmp_path, NOBODY, model="base/other"))


def test_a_file_that_breaks_off_is_gone_on_with(repositories, tmp_path):
    size = 3 * 2**24  # the client writes 10 MiB at a time
    (repositories / "base/tiny/main/model.safetensors").write_bytes(bytes(size))
    with hub.serving(repositories, frozenset({"model.safetensors"})) as (address, requests):
        assert fetch_base(tmp_path, address).returncode == 0
    ranges = [re.search(r"safetensors bytes=(\d+)-$", path) for _, path in requests]
    begun_at = [int(found[1]) for found in ranges if found]
    assert begun_at and 0 < begun_at[-1] <= size / 2
    whole = next(tmp_path.glob("home/hub/models--base--tiny/snapshots/*/model.safetensors"))
    assert whole.stat().st_size == size


def test_only_what_loading_needs_is_fetched_and_no_pickle(repositories, tmp_path):
    others = ["pytorch_model.bin", "consolidated.safetensors", "onnx/model.onnx", "modeling.py", "figure.png"]
    write(repositories / "base/tiny/main", dict.fromkeys(others, ""))
    with hub.serve(repositories) as address:
        assert fetch_base(tmp_path, address).returncode == 0
        assert cached_files(tmp_path, "base/tiny") == set(MODEL)
        assert fetch_base(tmp_path, address, code=True).returncode == 0
    assert cached_files(tmp_path, "base/tiny") == {*MODEL, "modeling.py"}


def one_line(done: subprocess.CompletedProcess) -> str:
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode == 2 and len(lines) == 1 and "Traceback" not in done.stderr, done.stderr
    return lines[0]


def test_what_cannot_be_fetched_is_said_in_one_line(repositories, tmp_path):
    write(repositories / "base/pickled/main", {"config.json": "{}", "pytorch_model.bin": ""})
    write(repositories / "base/gguf/main", {"tiny-q4.gguf": ""})
    write(repositories / "base/adapter/main", {"adapter_config.json": "{}", "adapter_model.safetensors": ""})
    write(repositories / "base/gated/main", MODEL)
    write(repositories / "base/gated", {hub.GATED: ""})
    (repositories / "base/large/main").mkdir(parents=True)
    with (repositories / "base/large/main/model.safetensors").open("wb") as file:
        file.truncate(10**13)  # without data: takes no space here
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))"
    write(tmp_path / "small_files", {"sitecustomize.py": limited})
    small = {"PYTHONPATH": f"{ROOT / 'workflow'}:{tmp_path / 'small_files'}"}
    with hub.serve(repositories) as address:
        for given, named in [
            ({"model": "base/absent"}, f"{address}/base/absent does not exist or is private; check the name"),
            ({"revision": "v2"}, f"{address}/base/tiny has no revision v2; name a commit, tag or branch"),
            ({"model": "base/gated"}, f"{address}/base/gated is gated: ask for access there, then set"),
            ({"model": "base/pickled"}, "model.safetensors is missing; found only pytorch_model.bin"),
            ({"model": "base/gguf"}, "model.safetensors is missing; found only tiny-q4.gguf, which needs"),
            (
                {"model": "base/adapter"},
                "contains an adapter (adapter_config.json); merge it into its base",
            ),
            ({"model": "base/large"}, "base/large needs 10,000.0 GB more, and "),
            ({"model": "./absent/folder"}, "give owner/name, or the path of a folder that exists"),
            (small, f"no space is left for base/tiny in {tmp_path / 'home'}; free some, or point HF_HOME"),
        ]:
            said = one_line(fetch_base(tmp_path, address, **given))
            assert said.startswith("error: bases.mine.model ") and named in said, said
        assert fetch_base(tmp_path, address, model="base/gated", HF_TOKEN=hub.TOKEN).returncode == 0


def prepare(folder: Path, address: str, home: Path, *arguments: object):
    outputs = [text for name in ("train", "heldout") for text in (f"--{name}", folder / f"{name}.parquet")]
    return run(
        "data.prepare_data", folder / "source.json", *outputs, "--report", folder / "report.json", *arguments,
        address=address, home=home, HF_HUB_OFFLINE="1",
    )  # fmt: skip


def test_training_data_are_read_at_the_commit_that_was_fetched(repositories, tmp_path):
    home, source, fetched = tmp_path / "home", tmp_path / "source.json", tmp_path / "fetched.json"

    def fetch(config: Path, output: Path, address: str) -> None:
        done = run("fetching.fetch_data", config, "--output", output, address=address, home=home)
        assert done.returncode == 0, done.stderr

    config = {"source": "hub", "dataset": "some/data", "split": "train", "heldout_rows": 1}
    source.write_text(json.dumps({**config, "revision": "old"}))
    old = repositories / "datasets/some/data/old"
    write(old, {"train.csv": "query,positive,negative\nx,y,z\nu,v,w\n"})
    with hub.serve(repositories) as address:
        fetch(source, fetched, address)
        newer = tmp_path / "newer.json"  # is read later, by another study
        newer.write_text(json.dumps(config))
        fetch(newer, tmp_path / "other.json", address)
    assert json.loads(fetched.read_text())[0]["revision"] == hub.COMMITS["old"]
    done = prepare(tmp_path, NOBODY, home, "--fetched", fetched)
    assert done.returncode == 0, done.stderr
    rows = pd.concat([pd.read_parquet(tmp_path / f"{side}.parquet") for side in ("train", "heldout")])
    assert sorted(map(tuple, rows.to_numpy())) == [("u", "v", "w"), ("x", "y", "z")]
    said = one_line(prepare(tmp_path, NOBODY, tmp_path / "empty", "--fetched", fetched))
    assert "is not in" in said and "run `snakemake --cores 1 fetch --forcerun fetch_base" in said


def test_the_datasets_of_several_sources_are_fetched_each_at_its_commit(repositories, tmp_path):
    home, fetched = tmp_path / "home", tmp_path / "fetched.json"
    write(
        repositories / "datasets/other/data/old", {"train.csv": "query,positive\n" + "x1,y1\nx2,y2\nx3,y3\n"}
    )
    own = tmp_path / "own.csv"
    own.write_text("query,positive\nq1,p1\nq2,p2\n")
    sources = {
        "one": {"source": "hub", "dataset": "some/data", "columns": {"negative": None}},
        "two": {"source": "hub", "dataset": "other/data", "revision": "old"},
        "own": {"source": "file", "path": str(own)},
    }
    (tmp_path / "source.json").write_text(json.dumps({"sources": sources, "heldout_rows": 1}))
    with hub.serve(repositories) as address:
        source = tmp_path / "source.json"
        done = run("fetching.fetch_data", source, "--output", fetched, address=address, home=home)
    assert done.returncode == 0, done.stderr
    entries = json.loads(fetched.read_text())
    assert [(entry["for"], entry["name"], entry["revision"]) for entry in entries] == [
        ("one", "some/data", hub.COMMITS["main"]), ("two", "other/data", hub.COMMITS["old"])
    ]  # fmt: skip
    done = prepare(tmp_path, NOBODY, home, "--fetched", fetched)
    assert done.returncode == 0, done.stderr
    rows = pd.concat([pd.read_parquet(tmp_path / f"{side}.parquet") for side in ("train", "heldout")])
    assert rows["source"].value_counts().to_dict() == {"one": 5, "two": 3, "own": 2}
    said = one_line(prepare(tmp_path, NOBODY, tmp_path / "empty", "--fetched", fetched))
    assert "data.sources.one.dataset some/data" in said and "is not in" in said


def test_a_task_that_mteb_does_not_have_is_named_before_anything_is_fetched(tmp_path):
    (tmp_path / "tasks.json").write_text(json.dumps({"tasks": ["STS12", "STSBenchmrk"], "benchmark": None}))
    output = tmp_path / "fetched.json"
    done = run(
        "fetching.fetch_tasks", tmp_path / "tasks.json", "--output", output, address=NOBODY, home=tmp_path
    )
    said = one_line(done)
    assert (
        "evaluation.tasks.* STSBenchmrk is not an MTEB task" in said
        and "did you mean STSBenchmark or" in said
    )
