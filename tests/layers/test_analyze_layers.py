"""The analysis of layers equals an independent computation that keeps all hidden states."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from scipy.stats import spearmanr
from torch.nn.functional import layer_norm
from transformers import AutoModel, AutoTokenizer

from embedding_designs.common.errors import BadInput
from embedding_designs.common.json_files import write_json
from embedding_designs.common.layer_files import ModelLayers, read_layers
from embedding_designs.evaluation.encoder import Encoder
from embedding_designs.evaluation.models import load_for_evaluation
from embedding_designs.evaluation.tasks import load, score
from embedding_designs.layers import analyze_layers
from embedding_designs.layers.layer_models import untrained_base, with_all_layers
from embedding_designs.layers.layer_scores import Sampled, read_finished
from embedding_designs.layers.pooling_reads import pooling_reads
from embedding_designs.training.model import save_run, untrained_model
from helpers.paths import WORKFLOW
from helpers.toy_tasks import write_sts_tasks

TASKS = ["ToyDocsSTS", "OtherDocsSTS"]
CONFIG = {
    "tasks": {"STS": TASKS[:1]}, "prompts": {}, "max_seq_length": 16, "batch_size": 4, "numbers": "all",
    "tokens": "mean", "texts": 1000,
}  # fmt: skip
BASE = {"name": "tiny", "precision": "fp32"}


@pytest.fixture(scope="module")
def tasks(tmp_path_factory) -> Path:
    return write_sts_tasks(tmp_path_factory.mktemp("tasks"), *TASKS)


@pytest.fixture
def saved(bases, run_config, tmp_path):
    """Return a function that saves the model of a design, as it is before training."""

    def save(design: str) -> Path:
        config = run_config(design)
        torch.manual_seed(1)
        save_run(untrained_model(config, str(bases["mistral"])), config, tmp_path / design)
        return tmp_path / design

    return save


def of_base(base: Path, attention: str, folder: Path, partial: Path, **changes) -> ModelLayers:
    """Return the analysis of an untrained base."""
    names = {"base": "tiny", "model": f"untrained-{attention}", "attention": attention}
    subject = analyze_layers.Subject(untrained_base(str(base), BASE, attention, 16), names, [])
    return analyze_layers.analyze(subject, {**CONFIG, **changes}, folder, partial)


def all_states(base: Path, attention: str, texts: list[str], tokens: str) -> np.ndarray:
    """Return a state of each layer, (texts, layers, dim), from all hidden states, one text at a time."""
    model, tokenizer = AutoModel.from_pretrained(base), AutoTokenizer.from_pretrained(base)
    model.config.is_causal = attention == "causal"
    found = []
    for text in texts:
        ids = [*tokenizer(text)["input_ids"][:15], tokenizer.eos_token_id]
        with torch.no_grad():
            hidden = model(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states[1:]
        states = torch.cat(hidden)  # (layers, tokens, dim)
        found.append((states.mean(dim=1) if tokens == "mean" else states[:, -1]).numpy())
    return np.stack(found).astype(np.float64)


def unit(states: np.ndarray) -> np.ndarray:
    return states / np.linalg.norm(states, axis=2, keepdims=True)


def pairs_of(tasks: Path) -> pd.DataFrame:
    return pd.read_parquet(tasks / TASKS[0] / "test.parquet")


def texts_of(tasks: Path) -> list[str]:
    return sorted({*pairs_of(tasks)["sentence1"], *pairs_of(tasks)["sentence2"]})


def sampled(texts: list[str]) -> list[Sampled]:
    return [Sampled("", "", text) for text in texts]


@pytest.mark.parametrize(
    ("attention", "tokens"), [("causal", "mean"), ("bidirectional", "mean"), ("causal", "last")]
)
def test_scores_and_similarities_equal_an_independent_computation(bases, tasks, tmp_path, attention, tokens):
    found = of_base(bases["mistral"], attention, tasks, tmp_path, tokens=tokens)
    pairs, texts = pairs_of(tasks), texts_of(tasks)
    first, second = (
        unit(all_states(bases["mistral"], attention, list(pairs[side]), tokens))
        for side in ("sentence1", "sentence2")
    )
    cosines = (first * second).sum(axis=2)  # (pairs, layers)
    expected = [spearmanr(layer, pairs["score"])[0] for layer in cosines.T]
    assert found.tasks[0].scores == pytest.approx(expected, abs=2e-6)
    states = unit(all_states(bases["mistral"], attention, texts, tokens))
    correlations = np.mean([np.corrcoef(text) for text in states], axis=0)
    assert np.array(found.pearson) == pytest.approx(correlations, abs=1e-5)
    centered = (states - states.mean(axis=0)).transpose(1, 0, 2)
    norms = np.array([[np.linalg.norm(y.T @ x) for y in centered] for x in centered])
    lengths = np.sqrt(np.diag(norms))
    assert np.array(found.cka) == pytest.approx((norms / np.outer(lengths, lengths)) ** 2, abs=1e-5)
    assert (found.layers, found.texts, found.reads) == ([1, 2, 3], len(texts), None)


def test_the_last_layer_scores_as_the_model_with_mean_pooling(bases, tasks, tmp_path):
    model = untrained_base(str(bases["mistral"]), BASE, "bidirectional", 16)
    plain = score(Encoder(model, {}, 4), load(TASKS[0], tasks))
    (found,) = of_base(bases["mistral"], "bidirectional", tasks, tmp_path).tasks
    assert (found.scores[-1], found.metric) == (pytest.approx(plain["score"], abs=2e-6), plain["metric"])


def test_padding_and_batches_do_not_change_the_embeddings_of_layers(bases, tasks):
    model = untrained_base(str(bases["qwen2"]), BASE, "bidirectional", 16)
    layered, texts = with_all_layers(model, CONFIG, "tiny"), texts_of(tasks)
    together = layered.encode(texts, batch_size=len(texts))
    alone = np.concatenate([layered.encode([text]) for text in texts])
    assert together == pytest.approx(alone, abs=1e-5)
    assert np.linalg.norm(together.reshape(len(texts), 3, -1), axis=2) == pytest.approx(1, abs=1e-5)


def test_each_text_runs_through_the_model_once_for_all_layers(bases, tasks, tmp_path):
    names = {"base": "tiny", "model": "untrained-causal", "attention": "causal"}
    subject = analyze_layers.Subject(untrained_base(str(bases["mistral"]), BASE, "causal", 16), names, [])
    seen = []
    hook = lambda module, arguments: seen.append(len(arguments[0]["input_ids"]))  # noqa: E731
    subject.model[0].register_forward_pre_hook(hook)
    analyze_layers.analyze(subject, {**CONFIG, "tasks": {"STS": TASKS}}, tasks, tmp_path)
    assert sum(seen) == len(texts_of(tasks))  # both tasks have the same texts


def test_chosen_layers_are_analyzed_and_the_last_one_always(bases, tasks, tmp_path):
    everything = of_base(bases["mistral"], "causal", tasks, tmp_path / "all")
    chosen = of_base(bases["mistral"], "causal", tasks, tmp_path / "chosen", numbers=[1])
    assert chosen.layers == [1, 3]
    assert chosen.tasks[0].scores == pytest.approx([everything.tasks[0].scores[n] for n in (0, 2)])
    with pytest.raises(BadInput, match=r"^layers\.numbers \[4\] holds 4; choose from 1 to 3 \(base tiny\)$"):
        of_base(bases["mistral"], "causal", tasks, tmp_path, numbers=[4])


def test_the_sample_has_equal_shares_of_the_tasks_and_the_same_texts_for_every_model(bases, tasks, tmp_path):
    found = {}
    for base in ("mistral", "llama"):
        of_base(bases[base], "causal", tasks, tmp_path / base, tasks={"STS": TASKS}, texts=10)
        found[base] = {name: read_sample(tmp_path / base / f"{name}.json") for name in TASKS}
    assert found["mistral"] == found["llama"]
    assert [len(sample) for sample in found["llama"].values()] == [5, 5]
    assert found["llama"][TASKS[0]] != found["llama"][TASKS[1]]  # though both tasks have the same texts


def read_sample(path: Path) -> list[Sampled]:
    finished = read_finished(path)
    assert finished is not None
    return finished.sample


def test_the_attention_of_a_pooling_is_what_its_equations_give(saved, bases, tasks):
    """q = Wq LN(Z), k = Wk LN(h + v) with the last token's state h of each layer; softmax over the layers."""
    folder, texts = saved("multi-layer-causal"), texts_of(tasks)
    found = pooling_reads(load_for_evaluation(folder, 16), sampled(texts), batch_size=5)
    weights = load_file(folder / "1_MultiLayerPooling" / "model.safetensors")
    states = torch.tensor(all_states(bases["mistral"], "causal", texts, "last")).float()
    query = layer_norm(weights["latent_states"], (32,)) @ weights["to_query.weight"].T  # (latents, heads * 8)
    key = layer_norm(states + weights["layer_vectors"], (32,)) @ weights["to_key.weight"].T
    heads = [key[..., part] @ query[:, part].T for part in (slice(0, 8), slice(8, 16))]
    attention = (torch.stack(heads) / 8**0.5).softmax(dim=2)  # (heads, texts, layers, latents)
    assert found.layers == [1, 2, 3]
    assert found.weights == pytest.approx(attention.mean(dim=(0, 1, 3)).tolist(), abs=1e-5)
    perplexity = (-(attention * attention.log()).sum(dim=2)).exp()
    assert found.effective_layers == pytest.approx(float(perplexity.mean()), abs=1e-4)
    assert found.vector_norms == pytest.approx(weights["layer_vectors"].norm(dim=1).tolist(), abs=1e-5)


def test_layers_that_a_pooling_does_not_read_have_no_weight(saved, tasks):
    found = pooling_reads(load_for_evaluation(saved("no-layer-weights"), 16), sampled(texts_of(tasks)), 8)
    assert (found.layers, found.weights, found.vector_norms) == ([2], [1], None)
    assert found.effective_layers == pytest.approx(1)


def test_a_layer_mix_reads_its_shares_and_other_poolings_have_no_weights(saved, tasks):
    mix = load_for_evaluation(saved("layer-mix-bidirectional"), 16)
    with torch.no_grad():
        mix[1].scores.copy_(torch.tensor([0.0, 0.0, 2.0]).log1p())  # shares 1 : 1 : 3
    found = pooling_reads(mix, sampled(texts_of(tasks)), 8)
    assert found.weights == pytest.approx([0.2, 0.2, 0.6], abs=1e-5)
    assert pooling_reads(load_for_evaluation(saved("eos-causal"), 16), sampled(texts_of(tasks)), 8) is None


def test_reading_does_not_depend_on_the_analysis_before_it(saved, tasks, tmp_path):
    """The analysis reads mean token states, this pooling the last token's."""
    folder = saved("multi-layer-causal")
    before = pooling_reads(load_for_evaluation(folder, 16), sampled(texts_of(tasks)), 8)
    subject = analyze_layers.run_subject(folder, 16)
    after = analyze_layers.analyze(subject, CONFIG, tasks, tmp_path / "partial")
    assert after.reads == before
    assert (after.model, after.seed, after.attention) == ("multi-layer-causal", 7, "causal")


def command(folder: Path, name: str, *more: str | Path) -> subprocess.CompletedProcess:
    start = [
        sys.executable, "-m", "embedding_designs.layers.analyze_layers", name, "config.json", *more,
        "--partial", "partial", "--output", "layers.json",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(WORKFLOW), "HF_HUB_OFFLINE": "1"}
    return subprocess.run(start, cwd=folder, env=environment, capture_output=True, text=True)


def test_a_stopped_analysis_resumes_at_its_first_unfinished_task(bases, tasks, tmp_path):
    write_json(tmp_path / "config.json", {**CONFIG, "tasks": {"STS": [*TASKS, "MissingDocsSTS"]}})
    write_json(tmp_path / "base.json", BASE)
    base = ("--base-config", "base.json", "--base", bases["mistral"], "--docstring-tasks", tasks)
    assert command(tmp_path, "untrained-causal", *base).returncode != 0  # the third task does not exist
    done = {name: tmp_path / "partial" / f"{name}.json" for name in TASKS}
    times = {name: file.stat().st_mtime_ns for name, file in done.items()}
    assert not (tmp_path / "layers.json").exists()
    assert command(tmp_path, "untrained-causal", *base).returncode != 0
    assert {name: file.stat().st_mtime_ns for name, file in done.items()} == times
    write_json(tmp_path / "config.json", {**CONFIG, "tasks": {"STS": TASKS}})
    again = command(tmp_path, "untrained-causal", *base)
    assert again.returncode == 0, again.stderr
    assert [task.task for task in read_layers(tmp_path / "layers.json").tasks] == TASKS
    assert not (tmp_path / "partial").exists()


@torch.no_grad()
def test_the_embedding_of_a_layer_leaves_the_contextual_token_out(saved):
    model = with_all_layers(analyze_layers.run_subject(saved("causal2vec"), 16).model, CONFIG, "tiny")
    states = model[0](model.preprocess(["the quick fox"]))["token_embeddings"][0]
    expected = torch.nn.functional.normalize(states[1:].mean(dim=0), dim=0)
    found = model.encode(["the quick fox"], convert_to_tensor=True)[0]
    torch.testing.assert_close(found[-32:], expected, atol=1e-6, rtol=1e-5)
