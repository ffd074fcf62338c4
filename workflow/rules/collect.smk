"""Collection: the scores of all runs and references, in one table each."""


rule collect_scores:
    """Put all scores into one table each, for runs and for references.
    Needs:  the score files of all runs and references
    Makes:  scores.csv, references.csv, and the report on what was not used
    """
    input:
        study="results/{study}/cards/study.json",
        scores=score_files,
        references=reference_files,
    output:
        scores="results/{study}/scores.csv",
        references="results/{study}/references.csv",
        collected="results/{study}/collected.json",
    log:
        "results/{study}/logs/collect_scores.log",
    benchmark:
        "results/{study}/benchmarks/collect_scores.tsv"
    conda:
        "../../envs/compare.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    message:
        "Collect scores"
    shell:
        "python -m embedding_designs.scores.collect_scores {input.study:q} --results results/{wildcards.study:q}"
        " --output {output.scores:q} --references-output {output.references:q}"
        " --collected {output.collected:q} 3>&2 > {log:q} 2>&1"
