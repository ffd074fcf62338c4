"""Poolings over one token state of each layer, and which layers they read."""

import math

import pytest
import torch

from embedding_designs.common.errors import BadInput
from embedding_designs.modules.poolings import POOLINGS
from embedding_designs.modules.trainable_pooling import LastLayerPooling, MultiLayerPooling
from embedding_designs.training.model import build_model, load_model
from helpers.toy import DESIGNS, sentence

STATES = torch.tensor([[[2.0, 0.0], [4.0, 6.0], [9.0, 3.0]]])  # (1 text, 3 layers, dim 2)


def pooled(pool):
    return pool({"layer_embeddings": STATES})["sentence_embedding"]


def test_mean_layers_is_the_mean_over_layers():
    torch.testing.assert_close(
        pooled(POOLINGS["mean_layers"](2, "mean", [1, 2, 3])), torch.tensor([[5.0, 3.0]])
    )


def test_layer_mix_equals_elmos_equation():
    """Scores ln 1, ln 2, ln 5 give shares 1/8, 2/8, 5/8: (2 + 8 + 45) / 8 and (0 + 12 + 15) / 8, times 3."""
    pool = POOLINGS["layer_mix"](2, "mean", [1, 2, 3])
    with torch.no_grad():
        pool.scores.copy_(torch.tensor([math.log(1), math.log(2), math.log(5)]))
        pool.gamma.fill_(3.0)
    torch.testing.assert_close(pooled(pool), torch.tensor([[3 * 55 / 8, 3 * 27 / 8]]))


def test_layer_mix_begins_as_the_mean_and_trains_its_scores():
    pool = POOLINGS["layer_mix"](2, "mean", [1, 2, 3])
    embedding = pooled(pool)
    torch.testing.assert_close(embedding, torch.tensor([[5.0, 3.0]]))
    embedding[0, 0].backward()
    # d/d score_j of sum_j s_j h_j is s_j (h_j - mean): (2 - 5) / 3, (4 - 5) / 3, (9 - 5) / 3
    torch.testing.assert_close(pool.scores.grad, torch.tensor([-1.0, -1 / 3, 4 / 3]))


def size(pool) -> int:
    return sum(weights.numel() for weights in pool.parameters())


@pytest.mark.parametrize("layers", [[1, 2, 3, 4], [3, 4]])
def test_one_latent_more_for_each_layer_matches_the_parameters_of_multi_layer(layers):
    settings = {"dimension": 16, "tokens": "last", "heads": 2, "head_dim": 8}
    multi = MultiLayerPooling(**settings, latents=6, layers=layers)
    without = MultiLayerPooling(**settings, latents=6, layers=layers, layer_weights=False)
    matched = LastLayerPooling(**settings, latents=6 + len(layers))
    plain = LastLayerPooling(**settings, latents=6)
    assert size(matched) == size(multi) == size(plain) + 16 * len(layers)
    assert size(without) == size(plain)


def test_poolings_over_layers_without_attention_have_one_weight_a_layer_or_none():
    assert size(POOLINGS["layer_mix"](16, "last", [1, 2, 3])) == 3 + 1
    assert size(POOLINGS["mean_layers"](16, "last", [1, 2, 3])) == 0


def model_reading(layers, base, design="multi-layer-bidirectional"):
    torch.manual_seed(1)
    settings = {**DESIGNS[design], "name": "mine"}
    return build_model(
        base, {**settings, "pooling": {**settings["pooling"], "layers": layers}}, max_seq_length=64
    ).eval()


@pytest.mark.parametrize("design", ["multi-layer-bidirectional", "multi-layer-causal", "layer-mix-causal"])
@pytest.mark.parametrize(
    ("layers", "numbers"),
    [("all", [1, 2, 3]), ("first_third", [1]), ("middle_third", [2]), ("last_third", [3]), ([3, 1], [1, 3])],
)
def test_only_the_chosen_layers_are_read(layers, numbers, design, bases):
    """The states are those of `output_hidden_states`, whose first are the embedding layer's."""
    backbone, pool = list(model_reading(layers, bases["qwen3"], design))[:2]
    assert backbone.layers == pool.layers == numbers
    features = backbone.preprocess([sentence(1), sentence(2, words=3)])
    with torch.no_grad():
        outputs = backbone.model(**features, output_hidden_states=True)
        states = backbone.forward(dict(features))["layer_embeddings"]
    if backbone.layer_tokens == "last":
        expected = [outputs.hidden_states[number][:, -1] for number in numbers]  # padded left
    else:
        mask = features["attention_mask"].unsqueeze(-1)
        expected = [(outputs.hidden_states[number] * mask).sum(1) / mask.sum(1) for number in numbers]
    torch.testing.assert_close(states, torch.stack(expected, dim=1))


def test_a_layer_above_those_read_does_not_matter(bases):
    model = model_reading([1, 2], bases["llama"])
    before = model.encode(sentence(1), convert_to_tensor=True)
    with torch.no_grad():
        model[0].model.layers[2].mlp.down_proj.weight.normal_()
        model[0].model.norm.weight.fill_(7.0)
    torch.testing.assert_close(model.encode(sentence(1), convert_to_tensor=True), before)
    with torch.no_grad():
        model[0].model.layers[1].mlp.down_proj.weight.normal_()
    assert not torch.allclose(model.encode(sentence(1), convert_to_tensor=True), before, atol=1e-3)


@pytest.mark.parametrize("design", ["multi-layer-bidirectional", "no-layer-weights", "layer-mix-causal"])
def test_a_saved_model_reads_the_same_layers(design, bases, tmp_path):
    model = model_reading([1, 3], bases["mistral"], design)
    model.save_pretrained(str(tmp_path / "model"))
    reloaded = load_model(tmp_path / "model")
    assert reloaded[0].layers == reloaded[1].layers == [1, 3]
    assert (reloaded.encode([sentence(1)]) == model.encode([sentence(1)])).all()


def test_a_layer_that_a_loaded_base_does_not_have_is_refused(bases):
    with pytest.raises(
        BadInput, match=r"^designs\.mine\.pooling\.layers \[2, 9\] holds 9; choose from 1 to 3$"
    ):
        model_reading([2, 9], bases["llama"])
