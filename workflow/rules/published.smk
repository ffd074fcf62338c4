"""Published scores: the table of scores of a study that starts from scores."""


rule collect_published_scores:
    """Put published scores, or anybody's, into one table, with the labels of their models.
    Needs:  a table of scores, or a folder of MTEB results; a table of labels
    Makes:  scores.csv, and the report on what was not used
    """
    input:
        config="results/{study}/configs/scores.json",
        source=published_files,
    output:
        scores="results/{study}/scores.csv",
        collected="results/{study}/collected.json",
    log:
        "results/{study}/logs/collect_published_scores.log",
    benchmark:
        "results/{study}/benchmarks/collect_published_scores.tsv"
    conda:
        "../../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    message:
        "Collect published scores"
    shell:
        "python -m embedding_designs.scores.collect_published_scores {input.config:q} --output {output.scores:q}"
        " --collected {output.collected:q} 3>&2 > {log:q} 2>&1"
