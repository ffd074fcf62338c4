"""Training: a base from scratch, its adaptation and tuning, if the study asks for them, and each design and seed."""


localrules:
    choose_settings,


rule pretrain_base:
    """Pretrain a small base language model from scratch.
    Needs:  harvested docstrings of the training packages
    Makes:  a Transformers model folder with its tokenizer, and the training log
    """
    input:
        config="results/{study}/configs/bases/{base}.json",
        docstrings="results/{study}/data/docstrings.parquet",
    output:
        model=directory("results/{study}/bases/{base}/model"),
        log="results/{study}/bases/{base}/training.jsonl",
    log:
        "results/{study}/logs/pretrain_base/{base}.log",
    benchmark:
        "results/{study}/benchmarks/pretrain_base/{base}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 2
    resources:
        mem_mb=pretraining_memory,
        runtime=60,
    message:
        "Pretrain {wildcards.base}"
    shell:
        "python -m embedding_designs.training.pretrain_base {input.config:q} --docstrings {input.docstrings:q}"
        " --output {output.model:q} --training-log {output.log:q} 3>&2 > {log:q} 2>&1"


rule adapt_base:
    """Train a base on the training texts, once for all designs with the same attention and adaptation.
    Needs:  the config of the adaptation, the training triplets, the base (pretrained here, fetched, or a folder)
    Makes:  a Transformers model folder with its tokenizer, and the training log
    """
    input:
        config="results/{study}/configs/adaptations/{base}/{adaptation}.json",
        train="results/{study}/data/train.parquet",
        heldout="results/{study}/data/heldout.parquet",
        base=base_model,
        own_base=own_base,
        fetched=fetched_base,
    output:
        model=directory("results/{study}/adapted/{base}/{adaptation}/model"),
        log="results/{study}/adapted/{base}/{adaptation}/training.jsonl",
    log:
        "results/{study}/logs/adapt_base/{base}/{adaptation}.log",
    benchmark:
        "results/{study}/benchmarks/adapt_base/{base}/{adaptation}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=adaptation_memory,
        runtime=1440,
        gpu=1,  # as in train_design
        nodes=1,
        accelerate="",
    params:
        # As in train_design: a killed adaptation must resume.
        checkpoints="results/{study}/checkpoints/{base}/adaptations/{adaptation}",
    message:
        "Adapt {wildcards.base}: {wildcards.adaptation}"
    shell:
        "python -m embedding_designs.training.launch --processes {resources.gpu:q} --nodes {resources.nodes:q}"
        " --accelerate={resources.accelerate:q}"
        " adapt_base {input.config:q} --train {input.train:q} --heldout {input.heldout:q}"
        " --base {input.base:q} --fetched {input.fetched:q} --checkpoints {params.checkpoints:q}"
        " --output {output.model:q} --training-log {output.log:q} 3>&2 > {log:q} 2>&1"


rule tune_design:
    """Train one design on one base with the settings of one point of the study's grid, to see its held-out loss.
    Needs:  the run config of the point, the training triplets, the base (pretrained or adapted here, fetched, or a folder)
    Makes:  the training log
    """
    input:
        config="results/{study}/configs/points/{base}/{design}/{point}.json",
        train="results/{study}/data/train.parquet",
        heldout="results/{study}/data/heldout.parquet",
        base=base_of_design,
        own_base=own_base,
        fetched=fetched_base,
    output:
        "results/{study}/tuning/{base}/{design}/{point}.jsonl",
    log:
        "results/{study}/logs/tune_design/{base}/{design}/{point}.log",
    benchmark:
        "results/{study}/benchmarks/tune_design/{base}/{design}/{point}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=training_memory,
        runtime=1440,
        gpu=1,  # as in train_design
        nodes=1,
        accelerate="",
    params:
        # As in train_design: a killed run must resume.
        checkpoints="results/{study}/checkpoints/{base}/{design}/tuning/{point}",
    message:
        "Tune {wildcards.design} on {wildcards.base}: {wildcards.point}"
    shell:
        "python -m embedding_designs.training.launch --processes {resources.gpu:q} --nodes {resources.nodes:q}"
        " --accelerate={resources.accelerate:q}"
        " tune_design {input.config:q} --train {input.train:q} --heldout {input.heldout:q}"
        " --base {input.base:q} --fetched {input.fetched:q} --checkpoints {params.checkpoints:q}"
        " --training-log {output:q} 3>&2 > {log:q} 2>&1"


rule choose_settings:
    """Choose the settings of one design on one base: those with the lowest held-out loss.
    Needs:  the points of the design's grid, their training logs
    Makes:  a JSON file with the chosen settings and everything that was tried
    """
    input:
        config="results/{study}/configs/tuning/{base}/{design}.json",
        logs=tuning_logs,
    output:
        "results/{study}/tuning/{base}/{design}/choice.json",
    log:
        "results/{study}/logs/choose_settings/{base}/{design}.log",
    benchmark:
        "results/{study}/benchmarks/choose_settings/{base}/{design}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=200,
        runtime=5,
    message:
        "Choose the settings of {wildcards.design} on {wildcards.base}"
    shell:
        "python -m embedding_designs.training.choose_settings {input.config:q} --logs {input.logs:q}"
        " --output {output:q} 3>&2 > {log:q} 2>&1"


rule train_design:
    """Train one design on one base with one seed, on the number of GPUs that the `gpu` resource sets.
    Needs:  the run config, the settings chosen by tuning, if any, the training triplets, the base
    Makes:  a Sentence Transformers model folder, and the training log
    """
    input:
        config="results/{study}/configs/runs/{base}/{design}/seed{seed}.json",
        train="results/{study}/data/train.parquet",
        heldout="results/{study}/data/heldout.parquet",
        base=base_of_design,
        own_base=own_base,
        fetched=fetched_base,
        choice=choice,
    output:
        model=directory("results/{study}/trained/{base}/{design}/seed{seed}"),
        log="results/{study}/runs/{base}/{design}/seed{seed}/training.jsonl",
    log:
        "results/{study}/logs/train_design/{base}/{design}/seed{seed}.log",
    benchmark:
        "results/{study}/benchmarks/train_design/{base}/{design}/seed{seed}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=training_memory,
        runtime=1440,
        gpu=1,  # total over all nodes; one process per GPU
        nodes=1,
        accelerate="",  # with several GPUs: a file in profiles/accelerate, if GPU memory is short
    params:
        # Not an output: Snakemake deletes the outputs of killed jobs, and a killed training must resume.
        checkpoints="results/{study}/checkpoints/{base}/{design}/seed{seed}",
    message:
        "Train {wildcards.design} on {wildcards.base}, seed {wildcards.seed}"
    shell:
        "python -m embedding_designs.training.launch --processes {resources.gpu:q} --nodes {resources.nodes:q}"
        " --accelerate={resources.accelerate:q}"
        " train_design {input.config:q} --train {input.train:q} --heldout {input.heldout:q}"
        " --base {input.base:q} --fetched {input.fetched:q} --choice {input.choice:q} --checkpoints {params.checkpoints:q}"
        " --output {output.model:q} --training-log {output.log:q} 3>&2 > {log:q} 2>&1"
