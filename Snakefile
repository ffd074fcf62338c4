# Which pooling and attention design makes the better LLM-based embedding model?
#
#     snakemake --cores all                          run the study named in config/config.yaml
#     snakemake --cores all --config study=smoke     run another study
#     snakemake --cores all fetch                    run only what needs the network
#
# With `--snakefile /path/to/Snakefile --directory /elsewhere`, results go to that directory, and paths in a
# study are relative to it. Files that are missing there, such as config/, are read from here; nothing is
# written here.
#
# Rules are included in the order in which they run.

import os

from snakemake.utils import min_version

min_version("9.0")


configfile: "config/config.yaml" if os.path.exists("config/config.yaml") else f"{workflow.basedir}/config/config.yaml"


include: "workflow/rules/study.smk"
include: "workflow/rules/memory.smk"
include: "workflow/rules/configs.smk"
include: "workflow/rules/fetch.smk"


if "scores" in STUDY:

    include: "workflow/rules/published.smk"

else:

    include: "workflow/rules/data.smk"
    include: "workflow/rules/train.smk"
    include: "workflow/rules/evaluate.smk"
    include: "workflow/rules/layers.smk"
    include: "workflow/rules/collect.smk"


include: "workflow/rules/compare.smk"
include: "workflow/rules/report.smk"


rule all:
    """Make all results of a study: the findings page, what it is built from, and the models."""
    default_target: True
    input:
        expand(
            "results/{study}/{part}",
            study=STUDY["name"],
            part=["findings.html", "scores.csv", "collected.json", "statistics.json", "tables", "figures"],
        ),
        expand("results/{study}/{part}", study=STUDY["name"], part=LAYERS),
        expand("results/{study}/baselines.csv", study=[] if "scores" in STUDY else STUDY["name"]),
        expand(
            "results/{study}/models/{base}/{design}/seed{seed}",
            study=STUDY["name"],
            base=STUDY["bases"],
            design=STUDY["designs"],
            seed=STUDY["seeds"],
        ),
        expand(
            "results/{study}/configs/marks/{mark}",
            study=STUDY["name"],
            mark=[run_configs.config_mark(STUDY, name) for name in run_configs.config_names(STUDY)],
        ),
    message:
        "Findings: results/{STUDY[name]}/findings.html"
