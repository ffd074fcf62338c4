"""Layers: what each layer of a model is worth, for the untrained bases and the runs of a study that asks for it."""


rule analyze_layers:
    """Analyze the layers of an untrained base, causal or bidirectional, or of a run.
    Needs:  the base or the trained model, the config and data of the tasks
    Makes:  similarities of the layers, their scores, and what a trained pooling reads
    """
    input:
        config="results/{study}/configs/layers.json",
        trained=trained_model,
        base_config=config_of_untrained_base,
        base=untrained_base,
        own_base=own_base,
        fetched=fetched_untrained_base,
        tasks=docstring_tasks,
        fetched_tasks=fetched_tasks,
    output:
        "results/{study}/layers/{base}/{model}.json",
    log:
        "results/{study}/logs/analyze_layers/{base}/{model}.log",
    benchmark:
        "results/{study}/benchmarks/analyze_layers/{base}/{model}.tsv"
    wildcard_constraints:
        model=r"untrained-(causal|bidirectional)|[^/]+/seed\d+",
    priority: 1  # an untrained base before the trainings: a layer that it lacks is reported early
    conda:
        "../../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=layers_memory,
        runtime=1440,
        gpu=1,
    params:
        # As in evaluate_run: finished tasks and embeddings of a killed analysis.
        partial="results/{study}/checkpoints/layers/{base}/{model}",
    message:
        "Analyze the layers of {wildcards.model} on {wildcards.base}"
    shell:
        "python -m embedding_designs.layers.analyze_layers {wildcards.model:q} {input.config:q}"
        " --model {input.trained:q} --base-config {input.base_config:q} --base {input.base:q}"
        " --fetched {input.fetched:q} --docstring-tasks {input.tasks:q} --devices {resources.gpu:q}"
        " --partial {params.partial:q} --output {output:q} 3>&2 > {log:q} 2>&1"
