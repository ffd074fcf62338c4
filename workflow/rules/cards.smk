"""Cards: each the part of the study that one later rule depends on."""


localrules:
    write_card,


rule write_card:
    """Write one card; a card changes only where its part of the study changed.
    Needs:  the study
    Makes:  a JSON file
    """
    output:
        "results/{study}/cards/{card}.json",
    log:
        "results/{study}/logs/cards/{card}.log",
    benchmark:
        "results/{study}/benchmarks/cards/{card}.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=100,
        runtime=5,
    params:
        text=card_text,
    message:
        "Card {wildcards.card}"
    shell:
        "printf '%s\\n' {params.text:q} > {output:q} 2> {log:q}"
