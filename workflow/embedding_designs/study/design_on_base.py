"""A design on a base: the base's settings as the design trains it, and the sizes of the two together."""

from collections.abc import Mapping
from typing import Any

from .encoders import with_encoder
from .model_sizes import Backbone, Context, Model, Pool, backbone_of


def finetuning(base: Mapping[str, Any], design: Mapping[str, Any]) -> dict[str, Any]:
    """Return a base with what a design overrides in its `finetuning` and, key by key, in its `lora`."""
    settings = {
        **base,
        "finetuning": design.get("finetuning", base["finetuning"]),
        "lora": {**base.get("lora", {}), **design.get("lora", {})},
    }
    if settings["finetuning"] == "full":
        del settings["lora"]
    return settings


def model_of(study: Mapping[str, Any], base: str, design: str) -> Model | None:
    """Return the sizes of a design on a base of a study, or None if those of the base are not known."""
    settings = finetuning(study["bases"][base], study["designs"][design])
    backbone = backbone_of(settings)
    return model_on(backbone, settings, with_encoder(study, design)) if backbone else None


def model_on(backbone: Backbone, settings: Mapping[str, Any], design: Mapping[str, Any]) -> Model:
    """Return the sizes of a design, whose encoder has its source, on a backbone."""
    encoder = backbone_of(design["contextual"]) if "contextual" in design else None
    context = Context(encoder, backbone.width) if encoder else None
    pool = Pool(design["pooling"], backbone.width, backbone.layers)
    return Model(backbone, pool, settings, design, context)
