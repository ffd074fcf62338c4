"""The study: read and checked before any job starts. Later rules get their part of it as a small card."""

import json
import os
import re
import sys

WORKFLOW = os.path.join(workflow.basedir, "workflow")
sys.path.insert(0, WORKFLOW)

from embedding_designs import cards, study
from embedding_designs.command import BadInput

# Every command imports our package and knows that descriptor 3 is the console; under conda and SLURM
# inherited variables are lost, so they are part of the command. Only the rules of fetch.smk go to the hub.
# At SIGTERM the shell waits for the command, which lays its work down: without a shell, SLURM kills what is left.
shell.prefix(
    f"set -euo pipefail; trap : TERM; export PYTHONPATH={WORKFLOW!r} EMBEDDING_DESIGNS_CONSOLE=3 "
    "PYTHONHASHSEED=0 TOKENIZERS_PARALLELISM=false HF_HUB_OFFLINE=1; "
)


def read_study():
    """Return the study that the configuration names, with the configuration's other keys laid over it."""
    path = study.study_path(str(config["study"]))
    overrides = {key: value for key, value in config.items() if key != "study"}
    try:
        loaded = study.load_study(path, overrides)
        for problem in study.missing_files(loaded):
            raise BadInput(f"{path}: {problem}")
        tasks = loaded.get("evaluation", {}).get("tasks")
        if tasks and workflow.is_main_process:
            check_mteb_names(path, loaded["evaluation"])
        return loaded
    except BadInput as error:
        sys.exit(f"error: {error}")


def check_mteb_names(path, evaluation):
    """Raise BadInput where MTEB has no such task or benchmark; unchecked where only environments have mteb."""
    try:
        from embedding_designs.evaluation.tasks import check_names
    except ImportError:
        return
    check_names(path, evaluation["tasks"], evaluation["benchmark"])


STUDY = read_study()


wildcard_constraints:
    study=STUDY["name"],
    base="|".join(map(re.escape, STUDY["bases"])) or "none",
    design="|".join(map(re.escape, STUDY["designs"])) or "none",
    seed=r"\d+",
    batch="|".join(map(re.escape, cards.task_batches(STUDY))) or "none",
    reference="|".join(STUDY["references"]) or "none",
    card=r"[^.]+(\.[^.]+)*",


def card_text(wildcards):
    """Return the text of the card that a path names."""
    return json.dumps(cards.card(STUDY, wildcards.card), ensure_ascii=False)


def score_files(wildcards):
    """Return the score files of all runs."""
    return expand(
        "results/{study}/scores/{base}/{design}/seed{seed}/{batch}.csv",
        study=wildcards.study,
        base=STUDY["bases"],
        design=STUDY["designs"],
        seed=STUDY["seeds"],
        batch=cards.task_batches(STUDY),
    )


def scores_of_run(wildcards):
    """Return the score files of one run."""
    return expand(
        "results/{study}/scores/{base}/{design}/seed{seed}/{batch}.csv",
        study=wildcards.study,
        base=wildcards.base,
        design=wildcards.design,
        seed=wildcards.seed,
        batch=cards.task_batches(STUDY),
    )


def training_logs(wildcards):
    """Return the training logs of all runs."""
    return expand(
        "results/{study}/runs/{base}/{design}/seed{seed}/training.jsonl",
        study=wildcards.study,
        base=STUDY["bases"],
        design=STUDY["designs"],
        seed=STUDY["seeds"],
    )


def reference_files(wildcards):
    """Return the score files of the references that the study shows beside its designs."""
    return expand(
        "results/{study}/references/{base}/{reference}.csv",
        study=wildcards.study,
        base=STUDY["bases"],
        reference=STUDY["references"],
    )


def reference_scores(wildcards):
    """Return the table of the references' scores; a study that begins at scores has none."""
    return [] if "scores" in STUDY else f"results/{wildcards.study}/references.csv"


def published_files(wildcards):
    """Return the files or folders that the study begins at."""
    return [STUDY["scores"][key] for key in ("path", "labels") if key in STUDY["scores"]]


def base_model(wildcards):
    """Return the folder of a base that the study pretrains; a base from the hub is no file."""
    base = f"results/{wildcards.study}/bases/{wildcards.base}/model"
    return base if "pretrain" in STUDY["bases"][wildcards.base] else []


def is_on_hub(name):
    """Return whether a model or dataset comes from the hub; a folder of that name is taken first."""
    return not os.path.isdir(name)


def fetched_base(wildcards):
    """Return what was fetched of a base, where it comes from the hub."""
    return fetched_bases(wildcards.study, [wildcards.base])


def fetched_bases(study, bases):
    """Return what was fetched of those bases that come from the hub."""
    fetched = [name for name in bases if is_on_hub(STUDY["bases"][name].get("model", "."))]
    return expand("results/{study}/fetched/bases/{base}.json", study=study, base=fetched)


def fetched_data(wildcards):
    """Return what was fetched of the training data, where they come from the hub."""
    data = STUDY["data"]
    on_hub = data["source"] == "hub" and is_on_hub(data["dataset"])
    return [f"results/{wildcards.study}/fetched/data.json"] if on_hub else []


def own_rows(wildcards):
    """Return the user's file of training rows, where the study trains on one."""
    return STUDY["data"]["path"] if STUDY["data"]["source"] == "file" else []


def fetched_tasks(wildcards):
    """Return what was fetched of a batch of tasks, where it has MTEB's own; without a batch, of all."""
    batches = [wildcards.batch] if hasattr(wildcards, "batch") else cards.task_batches(STUDY)
    with_data = [batch for batch in batches if cards.mteb_tasks(STUDY, batch)]
    return expand("results/{study}/fetched/tasks/{batch}.json", study=wildcards.study, batch=with_data)


def fetched_of_study(wildcards):
    """Return all that was fetched for a study."""
    bases = fetched_bases(wildcards.study, STUDY["bases"])
    return [*bases, *fetched_data(wildcards), *fetched_tasks(wildcards)]


def needs_hub():
    """Return whether a study takes anything from the hub."""
    if "scores" in STUDY:
        return False
    data, bases = STUDY["data"], STUDY["bases"].values()
    return (
        any(is_on_hub(base.get("model", ".")) for base in bases)
        or is_on_hub(data.get("dataset", "."))
        or any(STUDY["evaluation"]["tasks"].values())
    )


def revisions_of_study(wildcards):
    """Return the list of all that was fetched, where anything is."""
    return f"results/{STUDY['name']}/fetched/revisions.json" if needs_hub() else []


def harvest(wildcards):
    """Return the harvested docstrings where the study trains on them."""
    return (
        f"results/{wildcards.study}/data/docstrings.parquet"
        if STUDY["data"]["source"] == "docstrings"
        else []
    )


def data_reports(wildcards):
    """Return the reports on the data: how it was prepared and, where it was, harvested."""
    if "scores" in STUDY:
        return []
    names = ["report", "harvest"] if STUDY["data"]["source"] == "docstrings" else ["report"]
    return expand("results/{study}/data/{name}.json", study=wildcards.study, name=names)


def docstring_tasks(wildcards):
    """Return the folder of the docstring tasks where the study evaluates on them."""
    return f"results/{wildcards.study}/tasks/docstrings" if "docstring_tasks" in STUDY["evaluation"] else []
