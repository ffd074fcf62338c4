"""Published scores: the table of scores of a study that starts from existing scores."""


rule collect_published_scores:
    """Collect published or other existing scores, with the labels of their models.
    Needs:  a table of scores or a folder of MTEB results; optionally a table of labels
    Makes:  scores.csv, and a report on unused input
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
