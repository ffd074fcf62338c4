"""Collection: one table with the scores of all runs, and one with those of the baselines."""


rule collect_scores:
    """Collect the scores of all runs and of all baselines.
    Needs:  the score files of all runs and baselines, the training logs
    Makes:  scores.csv, baselines.csv, and a report on unused input and collapsed runs
    """
    input:
        study="results/{study}/configs/study.json",
        scores=score_files,
        baselines=baseline_files,
        logs=training_logs,
    output:
        scores="results/{study}/scores.csv",
        baselines="results/{study}/baselines.csv",
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
        " --output {output.scores:q} --baselines-output {output.baselines:q}"
        " --collected {output.collected:q} 3>&2 > {log:q} 2>&1"
