"""Training: a base from scratch where the study asks for one, then each design with each seed."""


rule pretrain_base:
    """Pretrain a small base language model from scratch.
    Needs:  harvested docstrings of the training packages
    Makes:  a transformers folder with tokenizer, and its training log
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
        mem_mb=3000,
        runtime=60,
    message:
        "Pretrain {wildcards.base}"
    shell:
        "python -m embedding_designs.training.pretrain_base {input.config:q} --docstrings {input.docstrings:q}"
        " --output {output.model:q} --training-log {output.log:q} 3>&2 > {log:q} 2>&1"


rule train_design:
    """Train one design on one base model with one seed, on as many GPUs as `gpu` says.
    Needs:  the run config, the training triplets, the base: pretrained here, or fetched
    Makes:  a Sentence Transformers model folder, and the training log
    """
    input:
        config="results/{study}/configs/runs/{base}/{design}/seed{seed}.json",
        train="results/{study}/data/train.parquet",
        heldout="results/{study}/data/heldout.parquet",
        base=base_model,
        own_base=own_base,
        fetched=fetched_base,
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
        mem_mb=3000,
        runtime=1440,
        gpu=1,  # over all nodes; each is a process
        nodes=1,
        accelerate="",  # of several GPUs: a file of profiles/accelerate, where their memory is short
    params:
        # Not an output: outputs of a killed job are deleted, and a killed training shall resume.
        checkpoints="results/{study}/checkpoints/{base}/{design}/seed{seed}",
    message:
        "Train {wildcards.design} on {wildcards.base}, seed {wildcards.seed}"
    shell:
        "python -m embedding_designs.training.launch --processes {resources.gpu:q} --nodes {resources.nodes:q}"
        " --accelerate={resources.accelerate:q}"
        " train_design {input.config:q} --train {input.train:q} --heldout {input.heldout:q}"
        " --base {input.base:q} --fetched {input.fetched:q} --checkpoints {params.checkpoints:q}"
        " --output {output.model:q} --training-log {output.log:q} 3>&2 > {log:q} 2>&1"
