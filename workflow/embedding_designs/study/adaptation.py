"""Adaptation: a base is trained on the texts once, before the designs that share the result."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

DESIGN = {"pooling": {"kind": "mean", "tokens": "mean"}}  # a placeholder without weights; it is not saved
COMMON = ("max_seq_length", "precision", "gradient_checkpointing", "checkpoint_steps", "log_steps",
          "heldout_steps")  # fmt: skip  # keys of `training` that also apply to an adaptation
LLM2VEC = {  # not keys of `adaptation`: the values in LLM2Vec's public code (github.com/McGill-NLP/llm2vec)
    "gradient_accumulation_steps": 1, "weight_decay": 0.0, "max_grad_norm": 1.0, "shared_texts": "keep",
}  # fmt: skip


def adaptation_name(design: Mapping[str, Any]) -> str:
    """Return the name of a design's adaptation, such as "mntp-0c9e1f27": one per attention and settings."""
    settings = json.dumps([design["attention"], design["adaptation"]], sort_keys=True)
    return f"{design['adaptation']['kind']}-{hashlib.sha256(settings.encode()).hexdigest()[:8]}"


def adaptations(study: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the designs that share each adaptation, by its name."""
    shared: dict[str, list[str]] = {}
    for name, design in study["designs"].items():
        if "adaptation" in design:
            shared.setdefault(adaptation_name(design), []).append(name)
    return shared


def adapted_design(study: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the design that a base is adapted with: the attention of the designs that share the result."""
    settings = study["designs"][adaptations(study)[name][0]]
    return {"name": name, "attention": settings["attention"], **DESIGN}


def adaptation_recipe(study: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the recipe of an adaptation, including its seed."""
    settings = study["designs"][adaptations(study)[name][0]]["adaptation"]
    common = {key: study["training"][key] for key in COMMON}
    return {**common, **LLM2VEC, **settings}


def check_adaptation(name: str, design: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line if a design's attention does not allow its adaptation."""
    if "adaptation" in design and design["attention"] == "causal":
        kind = design["adaptation"]["kind"]
        yield (f"designs.{name}.adaptation {kind} needs attention bidirectional, not causal: a causal base "
               "cannot see the tokens after the masked one")  # fmt: skip
