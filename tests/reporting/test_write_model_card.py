"""A model card describes a run and its scores; a completed model has the trained one's files."""

import ast
import copy
import json
import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from huggingface_hub import ModelCard

from embedding_designs.common.errors import BadInput
from embedding_designs.comparison.compare import compare_study
from embedding_designs.reporting.model_card import model_card
from embedding_designs.reporting.model_verdict import ModelVerdict, model_verdict
from embedding_designs.reporting.write_model_card import read_scores, summary, write_model
from embedding_designs.study.run_config import RunConfig
from embedding_designs.study.tuning import Choice, Point
from helpers.figure_examples import study_and_scores
from helpers.paths import WORKFLOW

LORA = {"rank": 16, "alpha": 32, "dropout": 0.1, "target_modules": ["q_proj", "v_proj"]}
FACTS = {
    "study": "paper",
    "run": RunConfig(
        base={"name": "mistral", "model": "mistralai/Mistral-7B-v0.1", "revision": "abc",
                 "precision": "bf16", "finetuning": "lora", "lora": {**LORA, "save": "adapter"}},
        design={"name": "mean", "attention": "causal", "pooling": {"kind": "mean", "tokens": "mean"}},
        seed=3,
        training={"steps": 1234, "learning_rate": 1e-5, "max_seq_length": 512},
    ),
    "source": {"source": "hub", "dataset": "yixuantt/ir_data", "split": "train"},
    "tasks": {"prompts": {"STS": "Say a|b: "}, "max_seq_length": 256},
    "data": {"rows": {"train": 20000, "heldout": 256}, "sha256": "f" * 64},
    "training": {"event": "summary", "parameters": 7_000_000, "trainable_parameters": 40_000,
                 "pooling_parameters": 0},
    "scores": [
        {"task": "STSBenchmark", "category": "STS", "metric": "cosine_spearman", "score": 0.75},
        {"task": "STS12", "category": "STS", "metric": "cosine_spearman", "score": 0.25},
        {"task": "SciFact", "category": "Retrieval", "metric": "ndcg_at_10", "score": 0.2},
    ],
    "settings": {"dimension": 4096, "tokens": "mean"},
    "versions": ["torch 2.13.0"],
    "code": ["backbone.py", "pooling.py"],
    "commit": "unknown",
    "verdict": None,
}  # fmt: skip


def changed(**parts) -> dict:
    return {**copy.deepcopy(FACTS), **parts}


def tables(card: str) -> list[list[str]]:
    blocks = re.findall(r"(?:^\|.*\n)+", card, flags=re.MULTILINE)
    return [block.splitlines() for block in blocks]


def test_the_header_names_base_data_and_scores_as_a_hub_reads_them():
    data = ModelCard(model_card(FACTS)).data
    assert (data.library_name, data.pipeline_tag) == ("sentence-transformers", "sentence-similarity")
    assert (data.base_model, data.datasets) == ("mistralai/Mistral-7B-v0.1", ["yixuantt/ir_data"])
    results = [(result.task_type, result.dataset_name, result.metric_value) for result in data.eval_results]
    assert sorted(results) == [
        ("Retrieval", "SciFact", 0.2),
        ("STS", "STS12", 0.25),
        ("STS", "STSBenchmark", 0.75),
    ]


def test_the_card_has_design_recipe_scores_prompts_and_the_base_of_an_adapter():
    card = model_card(FACTS)
    for row in ("| pooling | mean |", "| attention | causal |", "| steps | 1234 |", "| rank | 16 |",
                "| learning rate | 1e-05 |", "| STS | 0.5000 |", "| Retrieval | 0.2000 |",
                "| All tasks | 0.4000 |", r'| STS | `"Say a\|b: "` |'):  # fmt: skip
        assert row in card
    for sentence in ("one seed of one design", "a LoRA adapter", "at revision `abc`", "max_seq_length = 256"):
        assert sentence in card


def test_the_card_says_whose_code_runs():
    assert "runs its base's code" not in model_card(FACTS)
    run = FACTS["run"].with_base({"trust_remote_code": True, "lora": {**LORA, "save": "merged"}})
    words = " ".join(model_card(changed(run=run, code=["backbone.py", "own_code.py"])).split())
    assert "custom modules, copied from embedding-designs, are in `backbone.py`." in words
    assert (
        "**This model also runs its base's code** when it is loaded with `trust_remote_code=True`: "
        "the code of "
        "[mistralai/Mistral-7B-v0.1](https://huggingface.co/mistralai/Mistral-7B-v0.1) at revision `abc`, "
        "here in `own_code.py`."
    ) in words
    run = run.with_base({"model": "/home/me/models/mine"})
    words = " ".join(model_card(changed(run=run)).split())
    assert "the code of the folder that the base was loaded from." in words and "/home" not in words


def test_the_card_names_the_package_and_the_file_that_a_base_was_made_from():
    package = {"name": "a-lm", "version": "1.0", "sha256": "a" * 64, "gguf_file": "a_lm/b.gguf"}
    base = {key: value for key, value in FACTS["run"].base.items() if key not in ("model", "revision")}
    run = replace(FACTS["run"], base=base | {"name": "mine", "package": package})
    card = model_card(changed(run=run))
    for row in ("| base | mine |", "| package | a-lm 1.0 |",
                "| GGUF file, dequantized to bf16 | a_lm/b.gguf |",
                f"| SHA-256 of its wheel | `{'a' * 64}` |"):  # fmt: skip
        assert row in card
    assert "made from a GGUF file" in card and ModelCard(card).data.base_model is None


def test_the_card_opens_with_the_verdict_and_marks_its_own_design():
    rows = [["design", "All (9)", "STS (3)", "rank"], ["**mean**", "0.512 ●◆", "0.498", "1"],
            ["eos|x", "0.431", "0.555 ◆", "2"]]  # fmt: skip
    card = model_card(changed(verdict=ModelVerdict("Use mean.", rows, "Could be the best: ● here.")))
    assert card.index("one seed of one design") < card.index("Use mean.") < card.index("## Use")
    assert [
        "| design | All (9) | STS (3) | rank |",
        "|---|---|---|---|",
        "| **mean** | 0.512 ●◆ | 0.498 | 1 |",
        r"| eos\|x | 0.431 | 0.555 ◆ | 2 |",
    ] in tables(card)
    assert "Could be the best: ● here." in card
    assert "## Verdict" not in model_card(FACTS)


def test_the_verdict_in_a_card_is_that_of_the_statistics():
    study, scores = study_and_scores(n_tasks=6, seeds=(1, 2, 3))
    statistics = compare_study(scores, study)
    found = model_verdict(statistics, "mini", "eos-causal")
    overall = statistics.comparisons[-1]
    assert [found.sentence] == overall.sentences["verdict"]
    best = overall.these_checkpoints.best_by_score.best_set
    marked = [row[0].strip("*") for row in found.rows[1:] if "●" in row[1]]
    assert marked == best and "**eos-causal**" in [row[0] for row in found.rows]
    assert model_verdict(statistics, "another base", "eos-causal") is None


CHOICE = Choice({"learning_rate": 0.5, "warmup_steps": 3}, 2.5, steps=5, seed=9, documents=32, points=[
    Point({"learning_rate": 0.5, "warmup_steps": 3}, 2.5, collapsed=False),
    Point({"learning_rate": 9.0, "warmup_steps": 3}, None, collapsed=False),
])  # fmt: skip


def test_the_card_shows_what_tuning_tried():
    card = model_card(changed(run=FACTS["run"].with_choice(CHOICE)))
    assert "| learning rate | 0.5 |" in card and "for 5 steps with seed 9" in " ".join(card.split())
    assert ["| learning rate | warmup steps | held-out loss |", "|---|---|---|",
            "| 0.5 | 3 | 2.5000 (chosen) |", "| 9 | 3 | not finite |"] in tables(card)  # fmt: skip
    assert "tuned" not in model_card(FACTS)


def test_the_card_of_a_collapsed_run_says_so():
    trained = FACTS["training"] | {"collapsed": True, "heldout_documents": 64}
    card = model_card(changed(training=trained, verdict=ModelVerdict("Use mean.", [["design"]], "")))
    warning = card.index("**This run has collapsed** (final held-out loss within 2% of ln 64 = 4.16")
    assert warning < card.index("## Verdict")
    for known in ({}, {"collapsed": False, "heldout_documents": 64}):
        assert "collapsed" not in model_card(changed(training=FACTS["training"] | known))


def test_every_table_row_has_the_same_number_of_cells():
    for table in tables(model_card(FACTS)):
        columns = {len(re.findall(r"(?<!\\)\|", row)) for row in table}
        assert len(columns) == 1, table
        assert set(table[1]) == {"|", "-"}, table


def test_the_card_shows_how_to_load_the_model_with_the_placeholder_of_sentence_transformers():
    snippet = re.search(r"```python\n(.*?)```", model_card(FACTS), flags=re.DOTALL)[1]
    ast.parse(snippet)
    assert 'model = SentenceTransformer("sentence_transformers_model_id", trust_remote_code=True)' in snippet


@pytest.mark.parametrize("model", ["/home/me/models/mine", "models/mine/v1", "../mine"])
def test_the_card_contains_no_path_of_the_machine(model):
    run = FACTS["run"].with_base({"model": model})
    card = model_card(changed(run=run, source={"source": "file", "path": "/home/me/data/rows.jsonl"}))
    assert model not in card
    assert "/home" not in card
    assert "The file `rows.jsonl`." in card
    assert ModelCard(card).data.base_model is None


def test_the_card_lists_each_source_with_its_rows():
    sources = {
        "nli": {"source": "file", "path": "/home/me/nli.jsonl", "share": 0.25},
        "qa": {"source": "hub", "dataset": "some/qa", "split": "train", "revision": "abc"},
        "code": {"source": "docstrings", "train_packages": ["scipy", "numpy"]},
    }
    shares = {"nli": (50, 0.25), "qa": (100, 0.5), "code": (50, 0.25)}
    composition = {name: {"rows": rows, "share_of_rows": share} for name, (rows, share) in shares.items()}
    data = FACTS["data"] | {"composition": composition}
    card = model_card(changed(source={"sources": sources, "batches": "homogeneous"}, data=data))
    for line in (
        "Several sources; each batch comes from one of them:",
        "- **nli**: 50 training rows (25.0%). The file `nli.jsonl`.",
        "- **qa**: 100 training rows (50.0%). The dataset [some/qa](https://huggingface.co/datasets/some/qa),"
        " revision `abc`, split `train`.",
        "from the Python packages numpy, scipy.",
    ):
        assert line in card.replace("packages\n", "packages ")
    assert ModelCard(card).data.datasets == ["some/qa"]


@pytest.mark.parametrize("links", [True, False], ids=["linked", "copied"])
def test_a_completed_model_is_the_trained_one_with_the_card(links, tmp_path, monkeypatch):
    trained = tmp_path / "trained"
    (trained / "1_MeanPooling").mkdir(parents=True)
    for name in ("model.safetensors", "1_MeanPooling/config.json", "README.md", ".snakemake_timestamp"):
        (trained / name).write_text(name)
    if not links:
        monkeypatch.setattr(os, "link", no_link)
    for card in ("first", "second"):
        write_model(trained, card, tmp_path / "model")
    model = tmp_path / "model"
    assert (model / "README.md").read_text() == "second"
    assert (trained / "README.md").read_text() == "README.md"
    assert not (model / ".snakemake_timestamp").exists()
    for name in ("model.safetensors", "1_MeanPooling/config.json"):
        assert (model / name).read_text() == name
        assert (model / name).samefile(trained / name) == links


def test_the_card_names_the_commit_of_the_data_that_was_fetched(tmp_path):
    fetched = [{"kind": "data", "for": "training", "name": "yixuantt/ir_data", "revision": "57791d5"}]
    files = {name: FACTS[name] for name in ("source", "tasks", "data", "training")} | {
        "fetched": fetched,
        "trained/run_config": FACTS["run"].to_json(),
        "trained/modules": [{}, {"path": "1_MeanPooling"}],
        "trained/1_MeanPooling/config": FACTS["settings"],
        "trained/config_sentence_transformers": {"__version__": {"torch": "2.13.0"}},
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    (tmp_path / "scores.csv").write_text("task,category,metric,score\nSTS12,STS,cosine_spearman,0.25\n")
    given = {name: f"{name}.json" for name in ("source", "fetched", "tasks", "data")}
    given |= {"training-log": "training.json", "scores": "scores.csv", "study": "paper", "output": "model"}
    options = [word for name, value in given.items() for word in (f"--{name}", value)]
    command = [sys.executable, "-m", "embedding_designs.reporting.write_model_card", "trained", *options]
    subprocess.run(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(WORKFLOW)}, check=True)
    assert "revision `57791d5`, split `train`" in (tmp_path / "model/README.md").read_text()


def no_link(source, target):
    raise OSError("links are impossible here")


def test_an_unfinished_log_or_an_unusable_table_of_scores_is_rejected(tmp_path):
    log, scores = tmp_path / "training.jsonl", tmp_path / "scores.csv"
    for text, line in [
        ("x", ":1: not JSON"),
        ("", ": does not end"),
        ('{"event": "train"}\n', ": does not end"),
    ]:
        log.write_text(text)
        with pytest.raises(BadInput, match=re.escape(f"{log}{line}")):
            summary(log)
    header = "task,category,metric,score\n"
    for text, line in [
        ("x", ": no scores"),
        (header, ": no scores"),
        (f"{header}STS12,STS,a,b\n", ":2: task STS12"),
    ]:
        scores.write_text(text)
        with pytest.raises(BadInput, match=re.escape(f"{scores}{line}")):
            read_scores([scores])


def test_the_card_of_a_run_on_an_adapted_base_says_so():
    run = FACTS["run"]
    adapted = replace(run, design={**run.design, "adaptation": {"kind": "mntp", "steps": 1000}})
    line = "| adaptation of the base before training | mntp, 1000 steps |"
    (design,) = [table for table in tables(model_card(changed(run=adapted))) if line in table]
    assert "| pooling | mean |" in design
    assert line not in model_card(FACTS)
