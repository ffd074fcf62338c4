"""Configs: one small file for each part of the study that a later rule depends on."""


localrules:
    mark_config,
    write_config,


rule mark_config:
    """Mark a config as new or changed, so that changes are detected even without .snakemake.
    Needs:  the study
    Makes:  an empty file per config, named after the hash of the config's content
    """
    output:
        "results/{study}/configs/marks/{config}/{hash}",
    log:
        "results/{study}/logs/configs/marks/{config}/{hash}.log",
    benchmark:
        "results/{study}/benchmarks/configs/marks/{config}/{hash}.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=100,
        runtime=5,
    message:
        "Config {wildcards.config} is new or has changed"
    shell:
        "find results/{wildcards.study:q}/configs/marks/{wildcards.config:q} -type f -delete > {log:q} 2>&1;"
        " : > {output:q}"


rule write_config:
    """Write one config; it changes only if its part of the study has changed.
    Needs:  the study, the config's mark
    Makes:  a JSON file
    """
    input:
        config_mark,
    output:
        "results/{study}/configs/{config}.json",
    log:
        "results/{study}/logs/configs/{config}.log",
    benchmark:
        "results/{study}/benchmarks/configs/{config}.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=100,
        runtime=5,
    params:
        text=config_text,
    message:
        "Write config {wildcards.config}"
    shell:
        ": > {log:q}; printf '%s\\n' {params.text:q} > {output:q}"
