"""How the designs of a study read a text: checks of templates, names in tables, and the number of tokens."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..common.wording import counted, listing, shown
from .designs import parts_of

# Defaults that are not in run configs, so that older runs remain valid.
UNVARIED = {"input": "plain", "pool_prompt": True}
TEXT = "{text}"  # is replaced by the text
COPIES = {"echo": 2, "prompt": 1}  # of the text in a template
PLACEHOLDER = re.compile(r"\{\w*\}")
CHARACTERS_A_TOKEN = 4.0  # for English and vocabularies of 32,000 to 150,000 tokens


def check_input(name: str, design: Mapping[str, Any], prompts: Mapping[str, str]) -> Iterator[str]:
    """Yield one line for each problem of how a design reads a text. prompts: those of the evaluation."""
    kind, read = design["input"], token_states(design["pooling"])
    tokens = set(read.values())
    if kind == "plain" and "templates" in design:
        yield f"designs.{name}.templates needs designs.{name}.input echo or prompt, not plain"
    for key, states in read.items() if kind == "prompt" else ():
        if states not in ("first", "last"):
            yield (f"designs.{name}.pooling.{key} {states} does not fit input prompt, which pools the last "
                   "token; choose a pooling with tokens last")  # fmt: skip
    if kind != "plain":
        for side, template in design["templates"].items():
            if problem := _problem(kind, template, tokens):
                yield f"designs.{name}.templates.{side} {shown(template)} {problem}"
    if not design["pool_prompt"]:
        yield from _check_pool_prompt(f"designs.{name}.pool_prompt false", kind, tokens, prompts)


def token_states(pooling: Mapping[str, Any]) -> dict[str, str]:
    """Return the token states that a pooling or its parts read, by key: {"first.tokens": "last"}."""
    parts = parts_of(pooling).items()
    return {f"{key}.tokens".lstrip("."): part["tokens"] for key, part in parts if "tokens" in part}


def _problem(kind: str, template: str, tokens: set[str]) -> str | None:
    """Return what is wrong with a template, or None."""
    for placeholder in PLACEHOLDER.findall(template):
        if placeholder != TEXT:
            return f"has {placeholder}; only {TEXT} is replaced; a task's prompt comes before the template"
    count, after = template.count(TEXT), template.rpartition(TEXT)[2]
    if count != COPIES[kind]:
        needed = "twice" if COPIES[kind] == 2 else "once"
        return f"must contain {TEXT} {needed} for input {kind}; it occurs {counted(count, 'time')}"
    if kind == "prompt" and not after.strip():
        return f"ends with {TEXT}; input prompt pools the last token of the words that must follow it"
    if kind == "echo" and "last" in tokens and after:
        return f"must end with its second {TEXT} if the pooling has tokens last, so that EOS follows it"
    return None


def _check_pool_prompt(key: str, kind: str, tokens: set[str], prompts: Mapping[str, str]) -> Iterator[str]:
    if kind != "plain":
        yield f"{key} does not fit input {kind}, which never pools the prompt; remove it"
    elif tokens <= {"first", "last"}:
        yield f"{key} does not fit tokens {listing(sorted(tokens))}: the prompt is never pooled; remove it"
    elif not any(prompts.values()):
        yield f"{key} needs evaluation.prompts; it has no effect without a prompt"


def pooled_name(design: Mapping[str, Any]) -> str:
    """Return what tables call what a design pools, such as "mean", "echo mean" or "mean without prompt"."""
    kind = design["pooling"]["kind"]
    if "contextual" in design and kind != "contextual":
        kind = f"contextual {kind}"
    if design.get("input", "plain") != "plain":
        return f"{design['input']} {kind}"
    return kind if design.get("pool_prompt", True) else f"{kind} without prompt"


def tokens_read(design: Mapping[str, Any], tokens: float, side: str) -> float:
    """Return how many tokens a design reads for a text of this many, on the side "query" or "document".

    tokens: those of prompt, text, and EOS. Echo repeats only the text; the few others are counted twice too.
    """
    templates = design.get("templates")
    if not templates:
        return tokens
    around = len(templates[side].replace(TEXT, "")) / CHARACTERS_A_TOKEN
    return COPIES[design["input"]] * tokens + around
