"""Evaluation: the runs and the baselines on their MTEB tasks."""


rule evaluate_run:
    """Evaluate one run on one batch of tasks.
    Needs:  a model folder, the config and data of the tasks
    Makes:  a table of scores, one row per task
    """
    input:
        config="results/{study}/configs/tasks/{batch}.json",
        # Only determines how long embeddings are kept: adding a task to the study changes no score.
        study=ancient("results/{study}/configs/study.json"),
        model="results/{study}/trained/{base}/{design}/seed{seed}",
        tasks=docstring_tasks,
        fetched=fetched_tasks,
    output:
        "results/{study}/scores/{base}/{design}/seed{seed}/{batch}.csv",
    log:
        "results/{study}/logs/evaluate_run/{base}/{design}/seed{seed}/{batch}.log",
    benchmark:
        "results/{study}/benchmarks/evaluate_run/{base}/{design}/seed{seed}/{batch}.tsv"
    conda:
        "../../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=evaluation_memory,
        runtime=1440,
        gpu=1,
    params:
        # Finished tasks of a killed evaluation; not an output: Snakemake deletes the outputs of killed jobs.
        partial="results/{study}/checkpoints/scores/{base}/{design}/seed{seed}/{batch}",
        # Embeddings that all evaluations of the run share; removed once the run has all its scores.
        embeddings="results/{study}/checkpoints/embeddings/{base}/{design}/seed{seed}",
    message:
        "Evaluate {wildcards.design} on {wildcards.base}, seed {wildcards.seed}: {wildcards.batch} tasks"
    shell:
        "python -m embedding_designs.evaluation.evaluate_run {input.config:q} --model {input.model:q}"
        " --docstring-tasks {input.tasks:q} --study {input.study:q} --devices {resources.gpu:q}"
        " --partial {params.partial:q} --embeddings {params.embeddings:q} --output {output:q} 3>&2 > {log:q} 2>&1"


rule evaluate_baseline:
    """Evaluate one baseline (the untrained base, BM25, or LSA) on all tasks.
    Needs:  all tasks; the base or the training texts
    Makes:  a table of scores, one row per task
    """
    input:
        config="results/{study}/configs/tasks/all.json",
        base_config="results/{study}/configs/bases/{base}.json",
        base=base_model,
        own_base=own_base,
        fetched=fetched_base,
        fetched_tasks=fetched_tasks,
        train="results/{study}/data/train.parquet",
        tasks=docstring_tasks,
    output:
        "results/{study}/baselines/{base}/{baseline}.csv",
    log:
        "results/{study}/logs/evaluate_baseline/{base}/{baseline}.log",
    benchmark:
        "results/{study}/benchmarks/evaluate_baseline/{base}/{baseline}.tsv"
    conda:
        "../../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=baseline_memory,
        runtime=1440,
        gpu=1,
    params:
        # As in evaluate_run; both are removed at the end.
        partial="results/{study}/checkpoints/baselines/scores/{base}/{baseline}",
        embeddings="results/{study}/checkpoints/baselines/embeddings/{base}/{baseline}",
    message:
        "Evaluate {wildcards.baseline} for {wildcards.base}"
    shell:
        "python -m embedding_designs.evaluation.evaluate_baseline {wildcards.baseline:q} {input.config:q}"
        " --base-config {input.base_config:q} --base {input.base:q} --fetched {input.fetched:q} --train {input.train:q}"
        " --docstring-tasks {input.tasks:q} --devices {resources.gpu:q} --partial {params.partial:q}"
        " --embeddings {params.embeddings:q} --output {output:q} 3>&2 > {log:q} 2>&1"
