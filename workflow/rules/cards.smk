"""Cards: each the part of the study that one later rule depends on."""


localrules:
    mark_card,
    write_card,


rule mark_card:
    """Mark a card as new or changed, so that a change is noticed even without .snakemake.
    Needs:  the study
    Makes:  an empty file named after the hash of the card's content, one per card
    """
    output:
        "results/{study}/cards/marks/{card}/{hash}",
    log:
        "results/{study}/logs/cards/marks/{card}/{hash}.log",
    benchmark:
        "results/{study}/benchmarks/cards/marks/{card}/{hash}.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=100,
        runtime=5,
    message:
        "Card {wildcards.card} is new or has changed"
    shell:
        "find results/{wildcards.study:q}/cards/marks/{wildcards.card:q} -type f -delete > {log:q} 2>&1;"
        " : > {output:q}"


rule write_card:
    """Write one card; a card changes only where its part of the study changed.
    Needs:  the study, the card's mark
    Makes:  a JSON file
    """
    input:
        card_mark,
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
        ": > {log:q}; printf '%s\\n' {params.text:q} > {output:q}"
