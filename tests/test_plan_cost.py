"""What a study will cost follows from the sizes of its models and tasks."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModel

from embedding_designs.cost.model import Backbone, Pool, known_backbones
from embedding_designs.cost.study import StudyCost, embedded
from embedding_designs.plan_cost import page, section
from embedding_designs.study import load_study
from test_study import STUDIES

ROOT = Path(__file__).parents[1]
PAPER = STUDIES / "paper-mistral-7b.yaml"
TINY = Backbone(
    layers=3, width=32, feed_forward=64, heads=4, kv_heads=2, head_dim=8, vocabulary=50, tied=True
)


@pytest.mark.parametrize(
    ("model", "published"),  # on the models' pages of the hub, with the language model's head
    [("mistralai/Mistral-7B-v0.1", 7_241_732_096), ("Qwen/Qwen2-0.5B", 494_032_768),
     ("meta-llama/Meta-Llama-3-8B", 8_030_261_248), ("Qwen/Qwen2-7B", 7_615_616_512),
     ("Qwen/Qwen2-1.5B", 1_543_714_304)],
)  # fmt: skip
def test_a_backbone_has_the_published_number_of_weights(model, published):
    backbone = known_backbones()[model]
    head = 0 if backbone.tied else backbone.vocabulary * backbone.width
    assert backbone.parameters + head == pytest.approx(published, rel=1e-3)  # norms and biases are left out


@pytest.mark.parametrize(("width", "weights"), [(4096, 1_278_275_584), (896, 245_216_384)])
def test_the_papers_pool_has_as_many_weights_as_its_code(width, weights):
    pool = Pool(
        {"kind": "last_layer", "tokens": "all", "latents": 768, "heads": 32, "head_dim": 2048}, width, 32
    )
    assert pool.parameters == pytest.approx(weights, rel=1e-3)


def test_lora_has_as_many_weights_as_peft_says():
    """16 x (in + out) for each matrix of Mistral-7B: 41,943,040 in all, as peft prints."""
    assert known_backbones()["mistralai/Mistral-7B-v0.1"].lora_parameters(16) == 41_943_040


def test_operations_are_those_that_torch_counts():
    config = AutoConfig.for_model("mistral", vocab_size=50, hidden_size=32, intermediate_size=64,
                                  num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
                                  head_dim=8, attn_implementation="eager")  # fmt: skip
    model = AutoModel.from_config(config)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(input_ids=torch.ones(1, 40, dtype=torch.long))
    assert TINY.operations(40) == pytest.approx(counter.get_total_flops(), rel=0.01)


def paper_cost(**changes) -> StudyCost:
    return StudyCost(load_study(PAPER, changes), "mistral-7b", known_backbones()["mistralai/Mistral-7B-v0.1"])


def test_a_training_sees_the_papers_number_of_samples():
    """1,000 steps of 2,048 queries of 20 tokens with two documents of 150."""
    assert paper_cost().training().tokens == 1000 * 2048 * 320


def test_a_training_costs_its_passes_of_the_backbone():
    """LoRA: 2 operations a weight and token forward, and as many backward; EOS pooling costs nothing."""
    study = load_study(PAPER)
    study["designs"] = {"eos-causal": study["designs"]["eos-causal"]}
    backbone = known_backbones()["mistralai/Mistral-7B-v0.1"]
    plain = StudyCost(study, "mistral-7b", backbone).training()
    assert plain.operations == pytest.approx(2 * 2 * 6.98e9 * plain.tokens, rel=0.02)
    assert plain.operations < paper_cost().training().operations < 2 * plain.operations
    again = paper_cost(training={"gradient_checkpointing": True}).training().operations
    assert 1.3 < again / paper_cost().training().operations < 1.5


def test_shared_documents_are_counted_once():
    alone, both = (
        sum(side.unique for side in embedded(tasks)) for tasks in (["FEVER"], ["FEVER", "ClimateFEVER"])
    )
    assert both - alone == 1535  # ClimateFEVER's queries


def test_batches_are_the_whole_evaluation():
    cost = paper_cost(evaluation={"batch_by": "size"})
    assert sum(batch.tokens for batch in cost.batches()) == pytest.approx(cost.all_runs()[1].tokens)
    assert cost.all_runs()[2].tokens == pytest.approx(
        15 * (cost.training().tokens + cost.all_runs()[1].tokens)
    )


def test_embeddings_of_ms_marco_take_two_bytes_a_number():
    assert paper_cost().disk()["embeddings of one evaluation at most"] == pytest.approx(
        8.85e6 * 4096 * 2, rel=1e-3
    )


def test_what_is_not_known_is_said_in_one_line():
    changes = {
        "evaluation": {"tasks": {"STS": ["STS12", "Unheard"]}},
        "bases": {"mistral-7b": {"model": "my/own"}},
    }
    said = section(load_study(PAPER, changes)).splitlines()
    assert "Not counted, as MTEB records no sizes of them: Unheard." in said
    assert "Base mistral-7b (my/own): its size is not known; add it to resources/bases/sizes.csv." in said


def plan_cost(study: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "embedding_designs.plan_cost", study]
    return subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": "workflow"}, capture_output=True, text=True)


def test_a_study_is_named_as_for_snakemake_or_by_its_path():
    told = {plan_cost(study).stdout for study in ("paper-mistral-7b", "config/studies/paper-mistral-7b.yaml")}
    assert told == {section(load_study(PAPER)) + "\n"}


@pytest.mark.parametrize(
    ("study", "message"),
    [
        ("leaderboard", "leaderboard: a study that begins at scores costs no GPU\n"),
        ("mistral", "config/studies/mistral.yaml: no such study; studies there: ablation, factorial, "),
    ],
)
def test_a_study_that_is_not_there_or_trains_nothing_is_refused_in_one_line(study, message):
    run = plan_cost(study)
    assert run.returncode == 2
    assert run.stderr.startswith(f"error: {message}") and run.stderr.count("\n") == 1


def test_the_page_in_docs_is_up_to_date():
    written = (ROOT / "docs" / "cost.md").read_text()
    studies = [Path(word) for word in written.split() if word.startswith("config/studies/")]
    assert {"paper-mistral-7b", "paper-qwen2-0.5b"} <= {study.stem for study in studies}
    assert page([ROOT / study for study in studies]).replace(f"{ROOT}/", "") == written
