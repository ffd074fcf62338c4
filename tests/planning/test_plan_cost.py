"""The cost of a study follows from the sizes of its models and tasks."""

import subprocess
import sys
from pathlib import Path

import pytest

from embedding_designs.planning.plan_cost import page, section
from embedding_designs.planning.study_cost import StudyCost, embedded
from embedding_designs.study.model_sizes import known_backbones
from embedding_designs.study.study import load_study
from helpers.paths import ROOT, STUDIES

PAPER = STUDIES / "paper-mistral-7b.yaml"


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

    8 queries have 20 tokens and 16 documents 512, a layer keeps 26 x 4096 + 9 x 14336 bytes per token, and
    the pooling 56 x 768 x 4096 per text; on two GPUs, half of the texts and a second copy of the gradients.
    """
    layer, pooled = 26 * 4096 + 9 * 14336, 56 * 768 * 4096
    trained, texts = 1.3202e9, (8 * 20 + 16 * 512) * 32 * layer + 24 * pooled
    one = 2 * 7.11e9 + 18 * trained + texts
    assert paper_cost().training_memory(1, False) == pytest.approx(one, rel=2e-3)
    assert paper_cost().training_memory(2, False) == pytest.approx(one + 4 * trained - texts / 2, rel=2e-3)
    again = (8 * 20 + 16 * 512) * (32 * 2 * 4096 + layer) + 24 * pooled
    assert paper_cost().training_memory(1, True) == pytest.approx(one - texts + again, rel=2e-3)
    assert paper_cost(training={"mini_batch_size": 6}).training_memory(1, False) == pytest.approx(
        one - texts + 6 * (512 * 32 * layer + pooled), rel=2e-3
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
    assert unknown.endswith("add it to workflow/embedding_designs/study/base_sizes.csv.")


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
    training, _, tuned, total, *_ = StudyCost(
        study, "mistral-7b", known_backbones()["mistralai/Mistral-7B-v0.1"]
    ).all_runs()
    plain = StudyCost(
        load_study(PAPER), "mistral-7b", known_backbones()["mistralai/Mistral-7B-v0.1"]
    ).all_runs()[:3]  # without its layers
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
    without = StudyCost(
        load_study(STUDIES / "paper-qwen2-0.5b.yaml"), "qwen2-0.5b", known_backbones()["Qwen/Qwen2-0.5B"]
    )
    assert without.layers() == [] and len(without.all_runs()) == 3


def test_adapted_bases_count_once_each_with_the_heads_passes_for_the_masked_tokens():
    """LLM2Vec's 1,000 steps of 32 texts; LoRA: a forward and a backward pass of backbone and head."""
    mntp = {"kind": "mntp", "mask_share": 0.5}
    mean = {"attention": "bidirectional", "pooling": {"kind": "mean"}, "adaptation": mntp}
    cost = paper_cost(designs={"mean": mean, "eos": {**mean, "pooling": {"kind": "eos"}}})
    (adaptation,) = cost.adaptation()
    assert adaptation.what == "adaptation, 1 adapted base"
    assert adaptation.tokens == pytest.approx(32_000 * (20 + 150 + 150) / 3)
    per_token = 2 * 2 * 6.98e9 + 2 * 2 * 0.5 * 32_000 * 4096
    assert adaptation.operations == pytest.approx(per_token * adaptation.tokens, rel=0.02)
    assert "all 21 runs and adaptation" in [shown.what for shown in cost.all_runs()]
    assert cost.disk()["1 adapted base"] == pytest.approx(2 * 7.11e9, rel=2e-3)
    assert paper_cost().adaptation() == []
