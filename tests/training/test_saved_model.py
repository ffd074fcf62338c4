"""A saved model loads and encodes where only Sentence Transformers is installed, also from a hub."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, set_seed

from embedding_designs.study.run_config import RunConfig
from embedding_designs.training.model import finish_model, load_model, save_run, untrained_model
from helpers import hub
from helpers.toy import DESIGNS, sentence

TEXTS = [sentence(1, words=3), sentence(2, words=12), sentence(3)]
PUSHED = ["multi-layer-bidirectional", "adapter", "bf16", "contextual-adapter", "bf16-contextual"]
ELSEWHERE = """
import json, sys
sys.modules["embedding_designs"] = None  # importing it fails, as where it is not installed
import numpy as np
import torch
from sentence_transformers import SentenceTransformer

def encode(name, folder):
    model = SentenceTransformer(folder, trust_remote_code=True, device="cpu")
    vectors[name] = model.encode(work["texts"])
    vectors[f"{name} prompted"] = model.encode(work["texts"], prompt="quick ")
    vectors[f"{name} documents"] = model.encode_document(work["texts"])
    return model

work = json.load(sys.stdin)
vectors = {}
for name, folder in work["models"].items():
    model = encode(name, folder)
    torch.save(model[1].state_dict(), f"{name}.pooling")
    model.save_pretrained(f"saved again/{name}")
    encode(f"{name} saved again", f"saved again/{name}")
    if name in work["pushed"]:
        model.push_to_hub(f"somebody/{name}")
        encode(f"{name} from a hub", f"somebody/{name}")
encode("adapter on an old revision", "somebody/on-an-old-revision")
np.savez("vectors.npz", **vectors)
"""


@pytest.fixture(scope="module")
def configs(run_config):
    """Return a run config for each design, for both ways of saving an adapter, and for bfloat16 bases."""

    def config(design: str, save: str | None = None, precision: str = "fp32") -> RunConfig:
        config = run_config(design, lora=save is not None)
        config.base["precision"] = precision
        if save:
            config.base["lora"]["save"] = save
        return config

    return {
        **{name: config(name) for name in DESIGNS},
        "merged": config("last-layer-bidirectional", "merged"),
        "adapter": config("last-layer-bidirectional", "adapter"),
        "bf16": config("multi-layer-bidirectional", precision="bf16"),
        "bf16-merged": config("multi-layer-causal", "merged", "bf16"),
        "bf16-adapter": config("multi-layer-causal", "adapter", "bf16"),
        "contextual-adapter": config("causal2vec", "adapter"),
        "bf16-contextual": config("causal2vec", precision="bf16"),
    }


def model_of(config, base) -> SentenceTransformer:
    """Return the model of a run config, with random weights in place of trained ones."""
    set_seed(config.seed)
    model = untrained_model(config, str(base))
    for name, weights in model.named_parameters():
        if "lora_B" in name:  # zero at first: an adapter that does nothing would prove nothing
            torch.nn.init.normal_(weights, std=0.2)
    finish_model(model, config)
    return model.eval()


@pytest.fixture(scope="module")
def saved(configs, bases, tmp_path_factory):
    """Return for each config its model in memory and the folder that it was saved to."""
    folder = tmp_path_factory.mktemp("saved")
    base = os.path.relpath(bases["mistral"])  # the study's own bases are named from the working directory
    models = {name: model_of(config, base) for name, config in configs.items()}
    for name, model in models.items():
        save_run(model, configs[name], folder / name)
    return {name: (model, folder / name) for name, model in models.items()}


@pytest.fixture(scope="module")
def elsewhere(saved, bases, tmp_path_factory):
    """Return a folder with what a process that cannot see this package made of the saved models."""
    folder = tmp_path_factory.mktemp("elsewhere")
    adapter_on_an_old_revision(saved["adapter"][1], bases["mistral"], folder / "hub" / "somebody")
    models = {name: str(path) for name, (_, path) in saved.items()}
    with hub.serve(folder / "hub") as address:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
            "HF_ENDPOINT": address,
            "HF_HOME": str(folder / "home"),  # with the cache of the models' code
            "HF_TOKEN": "nobody's",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "NO_PROXY": "127.0.0.1",
        }
        run = subprocess.run(
            [sys.executable, "-I", "-c", ELSEWHERE],
            input=json.dumps({"models": models, "texts": TEXTS, "pushed": PUSHED}),
            cwd=folder, env=environment, capture_output=True, text=True,
        )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return folder


def adapter_on_an_old_revision(adapter: Path, base: Path, hub: Path) -> None:
    """Put an adapter on a hub whose base has changed there since it was trained."""
    shutil.copytree(base, hub / "base" / "old")
    shutil.copytree(base, hub / "base" / "main")
    changed = AutoModel.from_pretrained(base)
    torch.nn.init.normal_(changed.layers[0].mlp.up_proj.weight)
    changed.save_pretrained(hub / "base" / "main")
    shutil.copytree(adapter, hub / "on-an-old-revision" / "main")
    file = hub / "on-an-old-revision" / "main" / "adapter_config.json"
    names = {"base_model_name_or_path": "somebody/base", "revision": "old"}
    file.write_text(json.dumps(json.loads(file.read_text()) | names))


@pytest.fixture(scope="module")
def vectors(elsewhere):
    return dict(np.load(elsewhere / "vectors.npz"))


def test_a_saved_model_encodes_the_same_without_this_package(saved, vectors):
    for name, (model, _) in saved.items():
        assert np.array_equal(vectors[name], model.encode(TEXTS)), name
        assert np.array_equal(vectors[f"{name} prompted"], model.encode(TEXTS, prompt="quick ")), name
        assert np.array_equal(vectors[f"{name} documents"], model.encode_document(TEXTS)), name


def test_a_model_that_is_saved_again_or_pushed_to_a_hub_encodes_the_same(saved, vectors):
    for name in saved:
        assert np.array_equal(vectors[f"{name} saved again"], vectors[name]), name
    for name in PUSHED:
        assert np.array_equal(vectors[f"{name} from a hub"], vectors[name]), name


def test_an_adapter_is_put_on_the_revision_of_its_base_that_it_was_trained_on(vectors):
    assert np.array_equal(vectors["adapter on an old revision"], vectors["adapter"])


def test_a_saved_model_encodes_the_same_in_the_workflow(saved):
    for name, (model, folder) in saved.items():
        assert np.array_equal(load_model(folder).encode(TEXTS), model.encode(TEXTS)), name


@pytest.mark.parametrize("name", ["bf16", "bf16-merged", "bf16-adapter"])
def test_the_pooling_on_a_bfloat16_base_stays_as_it_was_trained(name, saved, elsewhere):
    model, folder = saved[name]
    assert model[0].model.dtype == torch.bfloat16
    latents = model[1].latent_states
    assert not torch.equal(latents, latents.bfloat16().float())  # they would show a rounding on the way
    loaded = load_model(folder)
    assert loaded[0].model.dtype == torch.bfloat16
    for weights in (loaded[1].state_dict(), torch.load(elsewhere / f"{name}.pooling")):
        for key, trained in model[1].state_dict().items():
            assert trained.dtype == weights[key].dtype == torch.float32
            assert torch.equal(weights[key], trained), key


def test_a_merged_adapter_is_part_of_the_weights_and_a_saved_one_comes_without_those_of_its_base(saved):
    assert not list(saved["merged"][1].glob("adapter*"))
    assert (saved["merged"][1] / "model.safetensors").exists()
    folder = saved["adapter"][1]
    assert not list(folder.glob("model*"))
    assert (folder / "adapter_model.safetensors").exists()
    assert Path(
        json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"]
    ).is_absolute()


def test_code_of_a_model_is_run_only_where_it_is_trusted(saved):
    with pytest.raises(ValueError, match="trust_remote_code=True"):
        SentenceTransformer(str(saved["eos-causal"][1]))
