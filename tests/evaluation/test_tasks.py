"""MTEB tasks are loaded with the splits and subsets that a study asks for."""

import mteb
import pytest

from embedding_designs.common.errors import BadInput
from embedding_designs.evaluation.tasks import is_intact
from embedding_designs.fetching.mteb_tasks import check_names, mteb_task
from embedding_designs.study.run_configs import names_of
from embedding_designs.study.study import load_study

ENGLISH = "MTEB(eng, v2)"


def counted(task: mteb.AbsTask) -> tuple[list[str], list[str]]:
    return sorted(task.eval_splits), sorted(task.hf_subsets)


def test_the_study_of_mteb_eng_v2_counts_what_the_benchmark_counts():
    evaluation = load_study("config/studies/mteb-eng-v2.yaml")["evaluation"]
    ours = {name: mteb_task(name, evaluation["benchmark"]) for name in names_of(evaluation["tasks"])}
    benchmark = {task.metadata.name: task for task in mteb.get_benchmark(ENGLISH).tasks}
    assert {name: counted(task) for name, task in ours.items()} == {
        name: counted(task) for name, task in benchmark.items()
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("STS17", (["test"], ["en-en"])),  # its only English-only subset
        ("AmazonCounterfactualClassification", (["test", "validation"], ["en", "en-ext"])),
        ("LanguageClassification", (["test"], ["default"])),  # has no English-only subset
        ("STSES", (["test"], ["default"])),  # has no English at all
    ],
)
def test_without_a_benchmark_all_splits_and_the_subsets_in_english_count(name, expected):
    assert counted(mteb_task(name)) == expected
    with pytest.raises(BadInput, match=rf"{name} is not a task of MTEB\(Law, v1\) \(mteb .*; "):
        mteb_task(name, "MTEB(Law, v1)")


@pytest.mark.parametrize(
    ("category", "name", "own"),
    [
        ("Retrieval", "STS12", "STS"),
        ("Retrieval", "Core17InstructionRetrieval", "InstructionReranking"),
        ("Classification", "JapaneseSentimentClassification", "Classification"),
    ],
)
def test_a_task_belongs_to_the_category_that_mteb_gives_it(category, name, own):
    assert mteb.get_task(name).metadata.type == own
    if own == category:
        check_names("s.yaml", {category: [name]}, None)
    else:
        with pytest.raises(BadInput, match=rf"tasks\.{category} {name} is in MTEB's category {own}"):
            check_names("s.yaml", {category: [name]}, None)
    check_names("s.yaml", {"*": [name]}, None)


@pytest.mark.parametrize(
    ("tasks", "benchmark", "message"),
    [
        ({"STS": ["STS71"]}, None, r"s\.yaml: evaluation\.tasks\.STS STS71 is not an MTEB task .*STS17"),
        (
            {"STS": ["STS17"]},
            "MTEB(eng, v3)",
            r"evaluation\.benchmark \"MTEB\(eng, v3\)\" is not an .*eng, v2",
        ),
        ({"STS": ["STS16"]}, "MTEB(eng, v2)", r"tasks\.STS STS16 is not a task of MTEB\(eng, v2\) .*STS15"),
        (
            {"Reranking": ["Vidore3HrBM25sReranking.v2"]},
            None,
            r"Reranking Vidore3HrBM25sReranking\.v2 embeds image and text, not only text",
        ),
    ],
)
def test_an_unknown_name_is_refused_with_similar_names(tasks, benchmark, message):
    with pytest.raises(BadInput, match=message):
        check_names("s.yaml", tasks, benchmark)


@pytest.mark.parametrize(
    "content", [b"", bytes(40), b'{"task": "STS17", "cat', b"[]", b'{"task": "STS17"}', b"\xff"]
)
def test_a_damaged_score_of_an_interrupted_evaluation_counts_as_missing_and_is_noted(
    content, tmp_path, capfd
):
    done = tmp_path / "STS17.json"
    assert not is_intact(done)
    assert capfd.readouterr().err == ""
    done.write_bytes(content)
    assert not is_intact(done)
    printed = capfd.readouterr().err
    assert printed.startswith(f"note: {done}: ")
    assert printed.endswith("; the task is evaluated again\n")
    done.write_text('{"task": "STS17", "category": "STS", "metric": "cosine_spearman", "score": 0.5}')
    assert is_intact(done)
