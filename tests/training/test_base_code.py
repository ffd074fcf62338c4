"""A base's Python files run only if the study allows it, and then those of the pinned revision."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer

from embedding_designs.common.errors import BadInput
from embedding_designs.evaluation.evaluate_baseline import load_baseline
from embedding_designs.study.base_folder import check_base_folder
from embedding_designs.study.run_config import RunConfig
from embedding_designs.training.model import finish_model, load_model, save_run, untrained_model
from helpers import hub
from helpers.paths import WORKFLOW
from helpers.toy import sentence

TEXTS = [sentence(1, words=3), sentence(2)]
SETTINGS = ["config.json", "tokenizer_config.json", "generation_config.json", "processor_config.json"]
CODE = """
import os
from pathlib import Path
from transformers import LlamaConfig, LlamaModel

Path(os.environ["MARKER"]).touch()  # of {folder}: what has run in this process does not run again

class OwnConfig(LlamaConfig):
    model_type = "{kind}"

class OwnModel(LlamaModel):
    config_class = OwnConfig
"""
OWN = {"AutoConfig": "own_code.OwnConfig", "AutoModel": "own_code.OwnModel"}


@pytest.fixture
def marker(tmp_path, monkeypatch):
    """Return the path of a file that the bases' code makes when it runs."""
    monkeypatch.setenv("MARKER", str(tmp_path / "the code has run"))
    return tmp_path / "the code has run"


def base_with_code(
    bases, folder: Path, references: dict, kind: str = "llama", names: list[str] = SETTINGS
) -> Path:
    """Write a base whose settings, the files `names`, refer to code; kind: its model_type."""
    AutoModel.from_pretrained(bases["llama"]).save_pretrained(folder)
    AutoTokenizer.from_pretrained(bases["llama"]).save_pretrained(folder)
    (folder / "own_code.py").write_text(CODE.format(kind=kind, folder=folder))
    for name in names:
        file = folder / name
        content = json.loads(file.read_text()) if file.exists() else {}
        if name == "config.json":
            content["model_type"] = kind
        tokenizer = {"AutoTokenizer": [None, references["AutoModel"]]} if name != "config.json" else {}
        file.write_text(json.dumps(content | {"auto_map": references | tokenizer}))
    (folder / "modules.json").write_text(
        json.dumps([{"idx": 0, "name": "0", "path": "", "type": "own_code.C"}])
    )
    return folder


def train_and_save(config: RunConfig, base: Path | str, folder: Path) -> SentenceTransformer:
    model = untrained_model(config, str(base)).eval()
    finish_model(model, config)
    save_run(model, config, folder)
    return model


@pytest.mark.parametrize("save", [None, "merged", "adapter"])
@pytest.mark.parametrize("elsewhere", ["", "--"], ids=["beside", "elsewhere"])
def test_code_of_a_native_base_never_runs_where_it_is_not_trusted(
    save, elsewhere, bases, run_config, tmp_path, marker
):
    place = f"{tmp_path / 'other'}--" if elsewhere else ""
    base = base_with_code(bases, tmp_path / "base", {key: place + value for key, value in OWN.items()})
    if elsewhere:
        (tmp_path / "other").mkdir()
        (base / "own_code.py").rename(tmp_path / "other/own_code.py")
    config = run_config("mean-causal", lora=save is not None)
    if save:
        config.base["lora"]["save"] = save
    trained = train_and_save(config, base, tmp_path / "saved")
    for file in (tmp_path / "saved").rglob("*.json"):
        assert '"auto_map"' not in file.read_text(), file
    for loaded in (
        load_model(tmp_path / "saved"),
        SentenceTransformer(str(tmp_path / "saved"), trust_remote_code=True, device="cpu"),
    ):
        assert np.array_equal(loaded.encode(TEXTS), trained.encode(TEXTS))
    load_baseline("untrained-base", 16, config.base, str(base), tmp_path)
    assert not marker.exists()


def test_a_kernel_of_attention_that_a_base_names_is_not_taken_from_a_hub(bases, run_config, tmp_path):
    base = tmp_path / "base"
    AutoModel.from_pretrained(bases["llama"]).save_pretrained(base)
    AutoTokenizer.from_pretrained(bases["llama"]).save_pretrained(base)
    config = json.loads((base / "config.json").read_text())
    named = {"_attn_implementation": "somebody/kernel", "attn_implementation": "somebody/kernel"}
    (base / "config.json").write_text(json.dumps(config | named))
    models = [untrained_model(run_config("mean-causal"), str(folder)) for folder in (base, bases["llama"])]
    assert models[0][0].model.config._attn_implementation == models[1][0].model.config._attn_implementation
    assert np.array_equal(models[0].encode(TEXTS), models[1].encode(TEXTS))


def test_the_code_that_a_saved_config_names_does_not_run_when_the_model_is_loaded(
    bases, run_config, tmp_path, marker
):
    train_and_save(run_config("mean-causal"), bases["llama"], tmp_path / "saved")
    (tmp_path / "saved/own_code.py").write_text(CODE.format(kind="llama", folder=tmp_path))
    config = tmp_path / "saved/config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"auto_map": OWN}))
    load_model(tmp_path / "saved")
    assert not marker.exists()


def test_an_architecture_that_is_code_is_refused_in_one_line_where_it_is_not_trusted(
    bases, run_config, tmp_path, marker
):
    base = base_with_code(bases, tmp_path / "base", OWN, kind="own")
    config = run_config("mean-causal")
    config.base["model"] = str(base)
    with pytest.raises(
        BadInput, match=r"^bases\.tiny\.model .*/base: .* runs only with trust_remote_code: true$"
    ):
        untrained_model(config, str(base))
    assert not marker.exists()


@pytest.mark.parametrize("save", [None, "merged", "adapter"])
def test_a_trusted_folder_runs_its_code_in_training_evaluation_and_reload(
    save, bases, run_config, tmp_path, marker
):
    base = base_with_code(bases, tmp_path / "base", OWN, kind="own", names=["config.json"])
    config = run_config("mean-causal", lora=save is not None)
    config = config.with_base({"model": str(base), "trust_remote_code": True})
    if save:
        config.base["lora"]["save"] = save
    trained = train_and_save(config, base, tmp_path / "saved")
    assert marker.exists() and type(trained[0].model).__name__ == "OwnModel"
    for loaded in (
        load_model(tmp_path / "saved"),
        SentenceTransformer(str(tmp_path / "saved"), trust_remote_code=True, device="cpu"),
    ):
        assert type(loaded[0].model).__name__ == "OwnModel"
        assert np.array_equal(loaded.encode(TEXTS), trained.encode(TEXTS))


def test_a_trusted_base_may_not_take_code_from_elsewhere_or_share_a_name_with_ours(bases, tmp_path):
    base = {"model": str(tmp_path / "base"), "trust_remote_code": True}
    folder = base_with_code(bases, tmp_path / "base", {"AutoModel": "some/other--own_code.OwnModel"})
    assert check_base_folder("mine", {"model": str(folder)}) is None
    said = check_base_folder("mine", base)
    assert said.startswith(f"bases.mine.model {folder}: config.json: auto_map uses code of some/other,")
    base_with_code(bases, tmp_path / "base", OWN)
    assert check_base_folder("mine", base) is None
    (folder / "pooling.py").touch()
    assert "pooling.py: a module of the trained model has the same name" in check_base_folder("mine", base)


TRAIN_AND_LOAD = """
import json, sys
import numpy as np
from pathlib import Path
from sentence_transformers import SentenceTransformer
from embedding_designs.study.run_config import RunConfig
from embedding_designs.training.model import load_model, save_run, untrained_model

content, texts = json.load(sys.stdin)
config = RunConfig.from_json(content)
model = untrained_model(config, config.base["model"]).eval()
save_run(model, config, Path("saved"))
for loaded in (load_model("saved"), SentenceTransformer("saved", trust_remote_code=True, device="cpu")):
    assert type(loaded[0].model).__name__ == "OwnModel"
    assert type(loaded[0].model).marked == "pinned"
    assert np.array_equal(loaded.encode(texts), model.encode(texts))
"""


@pytest.mark.parametrize("save", [None, "adapter"])
def test_a_trusted_hub_base_runs_the_code_of_the_pinned_revision_everywhere(
    save, bases, run_config, tmp_path
):
    for revision, marked in [("old", "pinned"), ("main", "newer")]:
        place = tmp_path / "hub/owner/base" / revision
        folder = base_with_code(bases, place, OWN, kind="own", names=["config.json"])
        with (folder / "own_code.py").open("a") as code:
            code.write(f"    marked = '{marked}'\n")
    config = run_config("mean-causal", lora=save is not None)
    pinned = {"model": "owner/base", "revision": hub.COMMITS["old"], "trust_remote_code": True}
    config = config.with_base(pinned)
    if save:
        config.base["lora"]["save"] = save
    (tmp_path / "config.json").write_text(json.dumps(config.base))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
        "HF_HOME": str(tmp_path / "home"), "NO_PROXY": "127.0.0.1", "HF_HUB_DISABLE_TELEMETRY": "1",
        "PYTHONPATH": str(WORKFLOW), "MARKER": str(tmp_path / "marker"),
    }  # fmt: skip
    fetch = ["-m", "embedding_designs.fetching.fetch_base", "config.json", "--output", "fetched.json"]
    with hub.serve(tmp_path / "hub") as address:
        run(fetch, environment | {"HF_ENDPOINT": address}, tmp_path)
    offline = environment | {"HF_HUB_OFFLINE": "1"}
    run(["-c", TRAIN_AND_LOAD], offline, tmp_path, json.dumps([config.to_json(), TEXTS]))


def run(arguments: list[str], environment: dict[str, str], folder: Path, text: str = "") -> None:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, env=environment, cwd=folder, input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
