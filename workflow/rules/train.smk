"""Training: a base from scratch, if the study has one, and then each design with each seed."""


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
        mem_mb=3000,
        runtime=60,
    message:
        "Pretrain {wildcards.base}"
    shell:
        "python -m embedding_designs.training.pretrain_base {input.config:q} --docstrings {input.docstrings:q}"
        " --output {output.model:q} --training-log {output.log:q} 3>&2 > {log:q} 2>&1"


rule train_design:
    """Train one design on one base with one seed, on the number of GPUs that the `gpu` resource sets.
    Needs:  the run config, the training triplets, the base (pretrained here, fetched, or a folder)
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
        " --base {input.base:q} --fetched {input.fetched:q} --checkpoints {params.checkpoints:q}"
        " --output {output.model:q} --training-log {output.log:q} 3>&2 > {log:q} 2>&1"
