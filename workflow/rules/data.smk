"""Data: harvested docstrings, training triplets, and evaluation tasks."""


rule harvest_docstrings:
    """Collect the docstrings of installed packages, without importing them.
    Needs:  the names of the packages
    Makes:  a table of docstrings, and a report with its hash
    """
    input:
        config="results/{study}/configs/data.json",  # rewritten if requirements.lock changes: harvest again
    output:
        docstrings="results/{study}/data/docstrings.parquet",
        report="results/{study}/data/harvest.json",
    log:
        "results/{study}/logs/harvest_docstrings.log",
    benchmark:
        "results/{study}/benchmarks/harvest_docstrings.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 2
    resources:
        mem_mb=2000,
        runtime=60,
    message:
        "Harvest docstrings"
    shell:
        "python -m embedding_designs.data.harvest_docstrings {input.config:q}"
        " --output {output.docstrings:q} --report {output.report:q} --processes {threads:q} 3>&2 > {log:q} 2>&1"


rule prepare_data:
    """Turn a data source into training and held-out triplets.
    Needs:  harvested docstrings, a file of rows, or a fetched dataset from the hub
    Makes:  two tables of query, positive, and negative, and the data report
    """
    input:
        config="results/{study}/configs/data.json",
        docstrings=harvest,
        rows=own_rows,  # named in the config; an input, so that a changed file is read again
        fetched=fetched_data,
    output:
        train="results/{study}/data/train.parquet",
        heldout="results/{study}/data/heldout.parquet",
        report="results/{study}/data/report.json",
    log:
        "results/{study}/logs/prepare_data.log",
    benchmark:
        "results/{study}/benchmarks/prepare_data.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    message:
        "Prepare training data"
    shell:
        "python -m embedding_designs.data.prepare_data {input.config:q} --docstrings {input.docstrings:q}"
        " --fetched {input.fetched:q}"
        " --train {output.train:q} --heldout {output.heldout:q} --report {output.report:q} 3>&2 > {log:q} 2>&1"


rule build_docstring_tasks:
    """Build one MTEB task per category and evaluation package.
    Needs:  harvested docstrings of the evaluation packages
    Makes:  a folder of task data
    """
    input:
        config="results/{study}/configs/docstring_tasks.json",
        docstrings="results/{study}/data/docstrings.parquet",
    output:
        directory("results/{study}/tasks/docstrings"),
    log:
        "results/{study}/logs/build_docstring_tasks.log",
    benchmark:
        "results/{study}/benchmarks/build_docstring_tasks.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    message:
        "Build docstring tasks"
    shell:
        "python -m embedding_designs.data.build_docstring_tasks {input.config:q}"
        " --docstrings {input.docstrings:q} --output {output:q} 3>&2 > {log:q} 2>&1"
