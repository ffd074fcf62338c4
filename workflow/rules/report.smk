"""Reporting: figures, the findings page, and a model card for each trained model."""


localrules:
    write_model_card,


rule draw_figures:
    """Draw verdicts, critical differences, scores, costs, training curves, tuning, and the composition of the data.
    Needs:  the study, statistics.json, scores.csv, the training logs, the settings chosen by tuning, the data report
    Makes:  SVG and PDF files; the verdicts as PNG files too
    """
    input:
        study="results/{study}/configs/study.json",
        statistics="results/{study}/statistics.json",
        scores="results/{study}/scores.csv",
        logs=training_logs,
        data=data_report,
        choices=choices,
        layers=layer_summary,
    output:
        report(
            directory("results/{study}/figures"),
            patterns=["verdict-{base}.svg"],
            caption="../report/verdict.rst",
            category="Verdict",
        ),
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
        " --runs results/{wildcards.study:q}/runs --tuning results/{wildcards.study:q}/tuning"
        " --layers {input.layers:q} --data {input.data:q} --study {input.study:q} --output {output:q} 3>&2 > {log:q} 2>&1"


rule write_findings:
    """Write the findings page.
    Needs:  the statistics, scores, figures, training logs, and data reports
    Makes:  one self-contained HTML page
    """
    input:
        study="results/{study}/configs/study.json",
        statistics="results/{study}/statistics.json",
        scores="results/{study}/scores.csv",
        baselines=baseline_scores,
        figures="results/{study}/figures",
        data=data_reports,
        fetched=revisions_of_study,
        logs=training_logs,
        adaptations=adaptation_logs,
        choices=choices,
        layers=layer_summary,
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
        "python -m embedding_designs.reporting.write_findings results/{wildcards.study:q}"
        " --output {output:q} 3>&2 > {log:q} 2>&1"


rule write_model_card:
    """Write the model card of a trained model.
    Needs:  a trained model, its training log and scores, the data report, the verdict of the study
    Makes:  the same Sentence Transformers folder, hard-linked, with the model card as README.md
    """
    input:
        model="results/{study}/trained/{base}/{design}/seed{seed}",
        log="results/{study}/runs/{base}/{design}/seed{seed}/training.jsonl",
        scores=scores_of_run,
        source="results/{study}/configs/data.json",
        fetched=fetched_data,
        tasks="results/{study}/configs/tasks/all.json",
        data="results/{study}/data/report.json",
        statistics="results/{study}/statistics.json",
    output:
        directory("results/{study}/models/{base}/{design}/seed{seed}"),
    log:
        "results/{study}/logs/write_model_card/{base}/{design}/seed{seed}.log",
    benchmark:
        "results/{study}/benchmarks/write_model_card/{base}/{design}/seed{seed}.tsv"
    conda:
        "../../envs/compare.yaml"
    threads: 1
    resources:
        mem_mb=200,
        runtime=5,
    message:
        "Write the model card of {wildcards.design} on {wildcards.base}, seed {wildcards.seed}"
    shell:
        "python -m embedding_designs.reporting.write_model_card {input.model:q} --study {wildcards.study:q}"
        " --source {input.source:q} --fetched {input.fetched:q} --tasks {input.tasks:q} --data {input.data:q}"
        " --training-log {input.log:q} --scores {input.scores:q} --statistics {input.statistics:q}"
        " --output {output:q} 3>&2 > {log:q} 2>&1"
