# Which pooling and attention design makes the better LLM-based embedding model?
#
#     snakemake --cores all                          the study that config/config.yaml names
#     snakemake --cores all --config study=smoke     another one
#     snakemake --cores all fetch                    only what needs the network; the rest then runs without
#
# Rules are included in the order in which they run.

from snakemake.utils import min_version

min_version("9.0")


configfile: "config/config.yaml"


include: "workflow/rules/study.smk"
include: "workflow/rules/cards.smk"
include: "workflow/rules/fetch.smk"


if "scores" in STUDY:

    include: "workflow/rules/published.smk"

else:

    include: "workflow/rules/data.smk"
    include: "workflow/rules/train.smk"
    include: "workflow/rules/evaluate.smk"
    include: "workflow/rules/models.smk"
    include: "workflow/rules/collect.smk"


include: "workflow/rules/compare.smk"


rule all:
    """The whole study: its findings page, with the figures and tables it is made of, and its models."""
    default_target: True
    input:
        expand("results/{study}/findings.html", study=STUDY["name"]),
        expand(
            "results/{study}/models/{base}/{design}/seed{seed}",
            study=STUDY["name"],
            base=STUDY["bases"],
            design=STUDY["designs"],
            seed=STUDY["seeds"],
        ),
