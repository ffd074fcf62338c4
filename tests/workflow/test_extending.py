"""A new pooling is registered everywhere it has to be; a forgotten place is named."""

import re
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from embedding_designs.common.errors import BadInput
from embedding_designs.modules.pooling import Pooling
from embedding_designs.modules.poolings import POOLINGS
from embedding_designs.reporting.figures.looks import POOLING_MARKERS
from embedding_designs.study.model_sizes import Pool
from embedding_designs.study.study import load_study
from embedding_designs.training.arguments import training_arguments
from helpers.paths import ROOT, STUDIES
from helpers.toy import DESIGNS

WIDTH, LAYERS, TOKENS = 32, 3, 10
SMALL = {"latents": 4, "heads": 2, "head_dim": 8}
ATTENTIONS = ("causal", "bidirectional")
STUDY = "workflow/embedding_designs/study/"
PLACES = {
    "schema": STUDY + "study.schema.yaml",
    "settings": STUDY + "study.schema.yaml",
    "learning rate": STUDY + "designs.py",
    "cost": "workflow/embedding_designs/study/model_sizes.py",
    "marker": "workflow/embedding_designs/reporting/figures/looks.py",
    "tests": "tests/helpers/toy.py",
}


def completed(kind: str, attention: str) -> dict:
    """Return the settings of a pooling if a study gives only its kind."""
    changes = {"designs": {"new": {"attention": attention, "pooling": {"kind": kind}}}}
    if kind == "contextual":
        changes["designs"]["new"]["contextual"] = "bert"
        changes["encoders"] = {"bert": {"model": "some/encoder"}}
    return load_study(STUDIES / "smoke.yaml", changes)["designs"]["new"]["pooling"]


def built(kind: str, settings: dict) -> Pooling:
    """Return a small pooling with the settings of a study's design."""
    small = {key: SMALL.get(key, value) for key, value in settings.items() if key != "kind"}
    if "layers" in small:
        small["layers"] = list(range(1, LAYERS + 1))
    return POOLINGS[kind](dimension=WIDTH, **small)


def matrices(module: nn.Module) -> int:
    """Return the number of weights in the matrices of a module; norms, biases, and scalars do not count."""
    return sum(weight.numel() for weight in module.parameters() if weight.ndim > 1)


def forgotten(kind: str, run_config, folder) -> Iterator[str]:
    """Yield the places where a pooling is missing or wrong; a place that others depend on is the last one."""
    if kind not in POOLING_MARKERS:
        yield "marker"
    if all(design["pooling"]["kind"] != kind for design in DESIGNS.values()):
        yield "tests"
    try:
        settings = {attention: completed(kind, attention) for attention in ATTENTIONS}
    except BadInput:
        yield "schema"
        return
    except KeyError:
        yield "settings"
        return
    for attention in ATTENTIONS:
        try:
            pooling = built(kind, settings[attention])
        except TypeError:  # a setting is unexpected or missing
            yield "settings"
            return
        yield from _wrong_cost(pooling, settings[attention])
        config = run_config(pooling_learning_rate=0.5)
        config.design["pooling"] = settings[attention]
        rates = training_arguments(config, folder, 0).learning_rate_mapping
        if bool(rates) != bool(list(pooling.parameters())):
            yield "learning rate"


def _wrong_cost(pooling: Pooling, settings: dict) -> Iterator[str]:
    cost = Pool({**settings, **SMALL}, WIDTH, LAYERS)
    if cost.parameters != pytest.approx(matrices(pooling), rel=0.02):
        yield "cost"
    if (cost.operations(TOKENS) > 0) != (matrices(pooling) > 0):
        yield "cost"


@pytest.mark.parametrize("kind", POOLINGS)
def test_a_pooling_is_registered_everywhere(kind, run_config, tmp_path):
    places = [PLACES[name] for name in forgotten(kind, run_config, tmp_path)]
    assert places == [], f"pooling {kind} is missing or wrong in these places"


class Forgotten(Pooling):
    """A pooling with weights that is only in the registry."""

    def __init__(self, dimension: int, tokens: str):
        super().__init__(dimension, tokens)
        self.matrix = nn.Parameter(torch.zeros(dimension, dimension))


def test_each_forgotten_place_is_named(run_config, tmp_path, monkeypatch):
    monkeypatch.setitem(POOLINGS, "forgotten", Forgotten)
    assert set(forgotten("forgotten", run_config, tmp_path)) == {"schema", "marker", "tests"}


@pytest.mark.parametrize("kind", ["eos", "mean_layers"])
def test_uncounted_weights_are_found(kind, run_config, tmp_path, monkeypatch):
    """The pooling has weights, but the study and the cost model assume that it has none."""

    class WithWeights(POOLINGS[kind]):
        def __init__(self, *settings, **named):
            super().__init__(*settings, **named)
            self.matrix = nn.Parameter(torch.zeros(WIDTH, WIDTH))

    monkeypatch.setitem(POOLINGS, kind, WithWeights)
    assert set(forgotten(kind, run_config, tmp_path)) == {"cost", "learning rate"}


@pytest.mark.parametrize("kind", ["eos", "mean"])
def test_a_setting_without_a_default_is_found(kind, run_config, tmp_path, monkeypatch):
    class WithSetting(POOLINGS[kind]):
        def __init__(self, dimension, tokens, temperature):
            super().__init__(dimension, tokens)

    monkeypatch.setitem(POOLINGS, kind, WithSetting)
    assert list(forgotten(kind, run_config, tmp_path)) == ["settings"]


def test_extending_md_lists_every_place():
    text = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    section = re.search(r"(?s)## A pooling\n(.*?)\n## ", text)[1]
    for place in [*PLACES.values(), "workflow/embedding_designs/modules/poolings.py"]:
        assert place in section, f"docs/extending.md, A pooling: {place} is missing"
        assert (ROOT / place).exists()
