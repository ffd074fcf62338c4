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
