"""The study, read and validated before any job starts. Each later rule gets its part as a small config."""

import os
import re
import shlex
import sys
from pathlib import Path

WORKFLOW = os.path.join(workflow.basedir, "workflow")
sys.path.insert(0, WORKFLOW)

from embedding_designs.common import places
from embedding_designs.common.errors import BadInput
from embedding_designs.study import (
    adaptation,
    base_folder,
    encoders,
    layers,
    provenance,
    run_configs,
    study,
    tuning,
)
from embedding_designs.study.data_config import is_on_hub as is_data_on_hub, sources_of

if set("{}") & set(workflow.basedir):
    sys.exit(
        f"error: {workflow.basedir}: Snakemake mistakes braces in the project's path for wildcards; rename the folder"
    )

# Every command imports our package and knows that file descriptor 3 is the console. conda and SLURM drop
# inherited variables, so they are set in the command itself. Only the rules in fetch.smk access the hub.
# On SIGTERM, the shell waits for the command to save its work. If it exited first, SLURM would kill the command.
shell.prefix(
    f"set -euo pipefail; trap : TERM; export PYTHONPATH={shlex.quote(WORKFLOW)} EMBEDDING_DESIGNS_CONSOLE=3 "
    "PYTHONHASHSEED=0 TOKENIZERS_PARALLELISM=false HF_HUB_OFFLINE=1; "
)


def read_study():
    """Return the study named in the configuration, overridden by the configuration's other keys."""
    path = study.study_path(str(config["study"]))
    overrides = {key: value for key, value in config.items() if key != "study"}
    try:
        loaded = study.load_study(path, overrides)
        for problem in study.missing_files(loaded):
            raise BadInput(f"{path}: {problem}")
        if workflow.is_main_process:
            check_own_models(path, encoders.models_of(loaded))
        tasks = loaded.get("evaluation", {}).get("tasks")
        if tasks and workflow.is_main_process:
            check_mteb_names(path, loaded["evaluation"])
        snakefile = None if Path.cwd() == Path(workflow.basedir) else workflow.main_snakefile
        return loaded | {"made_by": provenance.made_by(path, overrides, snakefile)}
    except BadInput as error:
        sys.exit(f"error: {error}")


def check_own_models(path, models):
    """Raise BadInput if a base or encoder is a local folder with a missing or corrupt file."""
    for problem in filter(
        None, (base_folder.check_base_folder(name, settings) for name, settings in models.items())
    ):
        raise BadInput(f"{path}: {problem}")


def check_mteb_names(path, evaluation):
    """Raise BadInput if MTEB has no such task or benchmark; not checked if mteb is not installed here."""
    try:
        from embedding_designs.fetching.mteb_tasks import check_names
    except ImportError:
        return
    check_names(path, evaluation["tasks"], evaluation["benchmark"])


STUDY = read_study()
MODELS = encoders.models_of(STUDY)  # bases and encoders, by name

if workflow.is_main_process:
    if taken := run_configs.results_of_another_study(STUDY):
        sys.exit(f"error: {taken}")


wildcard_constraints:
    study=re.escape(STUDY["name"]),
    base="|".join(map(re.escape, STUDY["bases"])) or "none",
    design="|".join(map(re.escape, STUDY["designs"])) or "none",
    seed=r"\d+",
    adaptation="|".join(adaptation.adaptations(STUDY)) or "none",
    point="|".join(sorted({re.escape(point) for _, _, point in tuning.tuning_runs(STUDY)})) or "none",
    batch="|".join(map(re.escape, run_configs.task_batches(STUDY))) or "none",
    baseline="|".join(STUDY["baselines"]) or "none",
    config=r"[^.]+(\.[^.]+)*",
    hash="[0-9a-f]{16}",


def config_text(wildcards):
    """Return the text of the config with this name."""
    return run_configs.config_text(STUDY, wildcards.config)


def config_mark(wildcards):
    """Return the mark of a config: a file named after the hash of the config's content."""
    return f"results/{wildcards.study}/configs/marks/{run_configs.config_mark(STUDY, wildcards.config)}"


def score_files(wildcards):
    """Return the score files of all runs."""
    return expand(
        "results/{study}/scores/{base}/{design}/seed{seed}/{batch}.csv",
        study=wildcards.study,
        base=STUDY["bases"],
        design=STUDY["designs"],
        seed=STUDY["seeds"],
        batch=run_configs.task_batches(STUDY),
    )


def scores_of_run(wildcards):
    """Return the score files of one run."""
    return expand(
        "results/{study}/scores/{base}/{design}/seed{seed}/{batch}.csv",
        study=wildcards.study,
        base=wildcards.base,
        design=wildcards.design,
        seed=wildcards.seed,
        batch=run_configs.task_batches(STUDY),
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


def tuning_logs(wildcards):
    """Return the training logs of the points that a design tries on a base."""
    return expand(
        "results/{study}/tuning/{base}/{design}/{point}.jsonl",
        study=wildcards.study,
        base=wildcards.base,
        design=wildcards.design,
        point=tuning.tuning_points(STUDY["tuning"], STUDY["designs"][wildcards.design]),
    )


def choice(wildcards):
    """Return the settings chosen for a design on a base, if the study tunes them."""
    choice = f"results/{wildcards.study}/tuning/{wildcards.base}/{wildcards.design}/choice.json"
    return choice if "tuning" in STUDY else []


def choices(wildcards):
    """Return the settings chosen for each design on each base, if the study tunes them."""
    return [
        f"results/{wildcards.study}/tuning/{base}/{design}/choice.json"
        for base, design in tuning.tuned(STUDY)
    ]


def baseline_files(wildcards):
    """Return the score files of the baselines that the study shows alongside its designs."""
    return expand(
        "results/{study}/baselines/{base}/{baseline}.csv",
        study=wildcards.study,
        base=STUDY["bases"],
        baseline=STUDY["baselines"],
    )


def baseline_scores(wildcards):
    """Return the table of the baselines' scores; a study that starts from existing scores has none."""
    return [] if "scores" in STUDY else f"results/{wildcards.study}/baselines.csv"


def published_files(wildcards):
    """Return the files or folders with the existing scores and labels that the study starts from."""
    return [places.found(STUDY["scores"][key]) for key in ("path", "labels") if key in STUDY["scores"]]


LAYERS = ["layers.json", "layer_tables"] if "layers" in STUDY else []


def layer_files(wildcards):
    """Return the analyses of the layers of all untrained bases and all runs."""
    bases = expand("{base}/{model}", base=STUDY["bases"], model=layers.UNTRAINED)
    models = [f"{base}/{design}/seed{seed}" for base, design, seed in run_configs.runs(STUDY)]
    return expand("results/{study}/layers/{model}.json", study=wildcards.study, model=[*bases, *models])


def layer_summary(wildcards):
    """Return the summary of the layers, if the study analyzes them."""
    return f"results/{wildcards.study}/layers.json" if LAYERS else []


def of_untrained(wildcards, path):
    """Return a path of a base if its layers are analyzed before any training."""
    return path if wildcards.model in layers.UNTRAINED else []


def trained_model(wildcards):
    """Return the folder of the trained model whose layers are analyzed; an untrained base has none."""
    path = f"results/{wildcards.study}/trained/{wildcards.base}/{wildcards.model}"
    return [] if wildcards.model in layers.UNTRAINED else path


def config_of_untrained_base(wildcards):
    """Return the config of the base, if its layers are analyzed before any training."""
    return of_untrained(wildcards, f"results/{wildcards.study}/configs/bases/{wildcards.base}.json")


def untrained_base(wildcards):
    """Return the folder of a base that the study pretrains, if its layers are analyzed before any training."""
    return of_untrained(wildcards, base_model(wildcards))


def fetched_untrained_base(wildcards):
    """Return the record of the fetched base, if its layers are analyzed before any training."""
    return of_untrained(wildcards, fetched_base(wildcards))


def base_model(wildcards):
    """Return the folder of a base that the study pretrains; a base from the hub has no such folder."""
    base = f"results/{wildcards.study}/bases/{wildcards.base}/model"
    return base if "pretrain" in STUDY["bases"][wildcards.base] else []


def base_of_design(wildcards):
    """Return the folder of the base that a design is trained on: adapted, or that of `base_model`."""
    design = STUDY["designs"][wildcards.design]
    if "adaptation" not in design:
        return base_model(wildcards)
    return f"results/{wildcards.study}/adapted/{wildcards.base}/{adaptation.adaptation_name(design)}/model"


def adaptation_logs(wildcards):
    """Return the training logs of all adapted bases."""
    return [
        f"results/{wildcards.study}/adapted/{base}/{name}/training.jsonl"
        for base, name in run_configs.adapted(STUDY)
    ]


def models_used(wildcards):
    """Return the name of a base and, for a design with a contextual token, that of its encoder."""
    design = STUDY["designs"][wildcards.design] if hasattr(wildcards, "design") else {}
    return [wildcards.base, *([design["contextual"]] if "contextual" in design else [])]


def own_base(wildcards):
    """Return the files of a base, and of a design's encoder, that are local folders."""
    folders = [Path(MODELS[name].get("model", "")) for name in models_used(wildcards)]
    files = [path for folder in folders if folder.name and folder.is_dir() for path in folder.iterdir()]
    return sorted(map(str, filter(Path.is_file, files)))


def own_rows(wildcards):
    """Return the user's files and folders of training data."""
    given = [source.get("path") or source.get("dataset") for source in sources_of(STUDY["data"]).values()]
    return [path for path in given if path and os.path.exists(path)]


def is_on_hub(name):
    """Return whether a model or dataset comes from the hub; a local folder takes precedence."""
    return not os.path.isdir(name)


def fetched_base(wildcards):
    """Return the records of the base and of a design's encoder, if they are fetched."""
    return fetched_models(wildcards.study, models_used(wildcards))


def is_fetched(base):
    """Return whether a base or encoder comes from the hub or a package, or is made from a GGUF file."""
    return base_folder.gguf_file_of(base) is not None or is_on_hub(base.get("model", "."))


def fetched_models(study, names):
    """Return the records of bases and encoders, for those that are fetched."""
    fetched = [name for name in names if is_fetched(MODELS[name])]
    return expand("results/{study}/fetched/bases/{base}.json", study=study, base=fetched)


def fetched_data(wildcards):
    """Return the record of the fetched training data, if they come from the hub."""
    return [f"results/{wildcards.study}/fetched/data.json"] if fetches_data() else []


def fetches_data():
    """Return whether any of the training data come from the hub."""
    return any(map(is_data_on_hub, sources_of(STUDY["data"]).values()))


def fetched_tasks(wildcards):
    """Return the records of the fetched MTEB tasks of one batch, or of all batches if none is given."""
    batches = [wildcards.batch] if hasattr(wildcards, "batch") else run_configs.task_batches(STUDY)
    with_data = [batch for batch in batches if run_configs.mteb_tasks(STUDY, batch)]
    return expand("results/{study}/fetched/tasks/{batch}.json", study=wildcards.study, batch=with_data)


def fetched_of_study(wildcards):
    """Return the records of everything fetched for a study."""
    models = fetched_models(wildcards.study, MODELS)
    return [*models, *fetched_data(wildcards), *fetched_tasks(wildcards)]


def needs_fetching():
    """Return whether a study needs anything from the hub or a package index."""
    if "scores" in STUDY:
        return False
    return (
        any(map(is_fetched, MODELS.values())) or fetches_data() or any(STUDY["evaluation"]["tasks"].values())
    )


def revisions_of_study(wildcards):
    """Return the list of everything fetched, if the study fetches anything."""
    return f"results/{STUDY['name']}/fetched/revisions.json" if needs_fetching() else []


def needs_docstrings():
    """Return whether a study trains on docstrings or evaluates on tasks built from them."""
    if "scores" in STUDY:
        return False
    sources = [source["source"] for source in sources_of(STUDY["data"]).values()]
    return "docstrings" in sources or "docstring_tasks" in STUDY["evaluation"]


def harvest(wildcards):
    """Return the harvested docstrings, if the study needs them."""
    return f"results/{wildcards.study}/data/docstrings.parquet" if needs_docstrings() else []


def data_reports(wildcards):
    """Return the data reports: how the data were prepared and, if applicable, harvested."""
    if "scores" in STUDY:
        return []
    names = ["report", "harvest"] if needs_docstrings() else ["report"]
    return expand("results/{study}/data/{name}.json", study=wildcards.study, name=names)


def data_report(wildcards):
    """Return the report on the training data; a study that starts from existing scores has none."""
    return [] if "scores" in STUDY else f"results/{wildcards.study}/data/report.json"


def docstring_tasks(wildcards):
    """Return the folder of the docstring tasks, if the study evaluates on them."""
    return f"results/{wildcards.study}/tasks/docstrings" if "docstring_tasks" in STUDY["evaluation"] else []
