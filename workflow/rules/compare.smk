"""Comparison: statistics, figures, and the findings page, of a table of scores."""


rule compare_designs:
    """Test which designs differ, in each category and over all tasks.
    Needs:  scores.csv, and the report on what was not used
    Makes:  statistics.json, and tables
    """
    input:
        study="results/{study}/cards/study.json",
        scores="results/{study}/scores.csv",
        collected="results/{study}/collected.json",
    output:
        statistics="results/{study}/statistics.json",
        tables=directory("results/{study}/tables"),
    log:
        "results/{study}/logs/compare_designs.log",
    benchmark:
        "results/{study}/benchmarks/compare_designs.tsv"
    conda:
        "../../envs/compare.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    message:
        "Compare designs"
    shell:
        "python -m embedding_designs.comparison.compare_designs {input.scores:q} --study {input.study:q}"
        " --collected {input.collected:q}"
        " --output {output.statistics:q} --tables {output.tables:q} 3>&2 > {log:q} 2>&1"


rule draw_figures:
    """Draw critical-difference diagrams, scores and training curves.
    Needs:  statistics.json, scores.csv, the training logs
    Makes:  SVG and PDF files
    """
    input:
        statistics="results/{study}/statistics.json",
        scores="results/{study}/scores.csv",
        logs=training_logs,
    output:
        directory("results/{study}/figures"),
    log:
        "results/{study}/logs/draw_figures.log",
    benchmark:
        "results/{study}/benchmarks/draw_figures.tsv"
    conda:
        "../../envs/compare.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    message:
        "Draw figures"
    shell:
        "python -m embedding_designs.reporting.draw_figures --statistics {input.statistics:q} --scores {input.scores:q}"
        " --runs results/{wildcards.study:q}/runs --output {output:q} 3>&2 > {log:q} 2>&1"


rule write_findings:
    """Write the findings page.
    Needs:  statistics, scores, figures, training logs, data report
    Makes:  one self-contained HTML page
    """
    input:
        study="results/{study}/cards/study.json",
        statistics="results/{study}/statistics.json",
        scores="results/{study}/scores.csv",
        references=reference_scores,
        figures="results/{study}/figures",
        data=data_reports,
        fetched=revisions_of_study,
        logs=training_logs,
    output:
        report("results/{study}/findings.html", caption="../report/findings.rst", category="Findings"),
    log:
        "results/{study}/logs/write_findings.log",
    benchmark:
        "results/{study}/benchmarks/write_findings.tsv"
    conda:
        "../../envs/compare.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    message:
        "Write the findings page"
    shell:
        "python -m embedding_designs.reporting.write_findings results/{wildcards.study:q} --output {output:q} 3>&2 > {log:q} 2>&1"
