"""Fetching: downloads what a study needs from the Hugging Face hub into the shared cache (HF_HOME).

These are local rules: they run on the machine that runs Snakemake, which needs network access. Training and
evaluation need none. A study that makes its own base, data, and tasks has nothing to fetch.
"""


localrules:
    fetch,
    fetch_base,
    fetch_data,
    fetch_tasks,
    list_revisions,


rule fetch:
    """Fetch everything that a study needs: `snakemake --cores all fetch --config study=…`.
    Needs:  network access
    Makes:  no files itself; it requests those of the rules below
    """
    input:
        revisions_of_study,
    message:
        "Everything has been fetched"


rule fetch_base:
    """Fetch a base or an encoder: its configuration, tokenizer, and safetensors, or a GGUF file that they are made from.
    Needs:  its config, network access
    Makes:  its files in the cache, and a JSON file with its commit or hash
    """
    input:
        "results/{study}/configs/bases/{base}.json",
    output:
        "results/{study}/fetched/bases/{base}.json",
    log:
        "results/{study}/logs/fetch_base/{base}.log",
    benchmark:
        "results/{study}/benchmarks/fetch_base/{base}.tsv"
    wildcard_constraints:
        base="|".join(map(re.escape, MODELS)) or "none",
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=1440,
    message:
        "Fetch {wildcards.base}"
    shell:
        "HF_HUB_OFFLINE=0 python -m embedding_designs.fetching.fetch_base {input:q}"
        " --output {output:q} 3>&2 > {log:q} 2>&1"


rule fetch_data:
    """Fetch the training data.
    Needs:  the data config, network access
    Makes:  its files in the cache, and a JSON file with its commit
    """
    input:
        "results/{study}/configs/data.json",
    output:
        "results/{study}/fetched/data.json",
    log:
        "results/{study}/logs/fetch_data.log",
    benchmark:
        "results/{study}/benchmarks/fetch_data.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=1440,
    message:
        "Fetch the training data"
    shell:
        "HF_HUB_OFFLINE=0 python -m embedding_designs.fetching.fetch_data {input:q}"
        " --output {output:q} 3>&2 > {log:q} 2>&1"


rule fetch_tasks:
    """Fetch the data of one batch of MTEB tasks.
    Needs:  the names of the tasks and their benchmark, network access
    Makes:  their files in the cache, and a JSON file with their commits
    """
    input:
        "results/{study}/configs/fetched/{batch}.json",
    output:
        "results/{study}/fetched/tasks/{batch}.json",
    log:
        "results/{study}/logs/fetch_tasks/{batch}.log",
    benchmark:
        "results/{study}/benchmarks/fetch_tasks/{batch}.tsv"
    conda:
        "../../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=1440,
    message:
        "Fetch the {wildcards.batch} tasks"
    shell:
        "HF_HUB_OFFLINE=0 python -m embedding_designs.fetching.fetch_tasks {input:q}"
        " --output {output:q} 3>&2 > {log:q} 2>&1"


rule list_revisions:
    """List the commits of everything that was fetched.
    Needs:  the JSON files of the other fetch rules
    Makes:  a JSON file for the findings page
    """
    input:
        fetched_of_study,
    output:
        "results/{study}/fetched/revisions.json",
    log:
        "results/{study}/logs/list_revisions.log",
    benchmark:
        "results/{study}/benchmarks/list_revisions.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    message:
        "List what was fetched"
    shell:
        "python -m embedding_designs.fetching.list_revisions {input:q} --output {output:q} 3>&2 > {log:q} 2>&1"
