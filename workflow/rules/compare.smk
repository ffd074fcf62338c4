"""Comparison: statistical tests on a table of scores."""


rule compare_designs:
    """Test which designs differ, in each category and over all tasks.
    Needs:  scores.csv, the report on unused input
    Makes:  statistics.json, and tables (CSV, JSON, LaTeX)
    """
    input:
        study="results/{study}/configs/study.json",
        scores="results/{study}/scores.csv",
        collected="results/{study}/collected.json",
    output:
        statistics="results/{study}/statistics.json",
        tables=directory("results/{study}/tables"),
    log:
        "results/{study}/logs/compare_designs.log",
    benchmark:
        "results/{study}/benchmarks/compare_designs.tsv"
    conda:
        "../../envs/compare.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    message:
        "Compare designs"
    shell:
        "python -m embedding_designs.comparison.compare_designs {input.scores:q} --study {input.study:q}"
        " --collected {input.collected:q}"
        " --output {output.statistics:q} --tables {output.tables:q} 3>&2 > {log:q} 2>&1"


rule summarize_layers:
    """Summarize the layers of all models: best layers, similarities, and what poolings read.
    Needs:  the analysis of each untrained base and each run, the report on collapsed runs
    Makes:  layers.json, and tables (CSV)
    """
    input:
        study="results/{study}/configs/study.json",
        collected="results/{study}/collected.json",
        layers=layer_files,
    output:
        summary="results/{study}/layers.json",
        tables=directory("results/{study}/layer_tables"),
    log:
        "results/{study}/logs/summarize_layers.log",
    benchmark:
        "results/{study}/benchmarks/summarize_layers.tsv"
    conda:
        "../../envs/compare.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    message:
        "Summarize the layers"
    shell:
        "python -m embedding_designs.comparison.summarize_layers {input.layers:q} --study {input.study:q}"
        " --collected {input.collected:q} --output {output.summary:q} --tables {output.tables:q} 3>&2 > {log:q} 2>&1"
