"""Models: each trained model with its model card, to load, share or upload."""


localrules:
    complete_model,


rule complete_model:
    """Complete a trained model with a model card.
    Needs:  a trained model and its log, its scores, the data report
    Makes:  the same Sentence Transformers folder, hard-linked, with README.md
    """
    input:
        model="results/{study}/trained/{base}/{design}/seed{seed}",
        log="results/{study}/runs/{base}/{design}/seed{seed}/training.jsonl",
        scores=scores_of_run,
        source="results/{study}/cards/source.json",
        fetched=fetched_data,
        tasks="results/{study}/cards/tasks/all.json",
        data="results/{study}/data/report.json",
    output:
        directory("results/{study}/models/{base}/{design}/seed{seed}"),
    log:
        "results/{study}/logs/complete_model/{base}/{design}/seed{seed}.log",
    benchmark:
        "results/{study}/benchmarks/complete_model/{base}/{design}/seed{seed}.tsv"
    conda:
        "../../envs/compare.yaml"
    threads: 1
    resources:
        mem_mb=200,
        runtime=5,
    message:
        "Complete the model of {wildcards.design} on {wildcards.base}, seed {wildcards.seed}"
    shell:
        "python -m embedding_designs.reporting.write_model_card {input.model:q} --study {wildcards.study:q}"
        " --source {input.source:q} --fetched {input.fetched:q} --tasks {input.tasks:q} --data {input.data:q}"
        " --training-log {input.log:q} --scores {input.scores:q} --output {output:q} 3>&2 > {log:q} 2>&1"
