"""Encoders of contextual tokens: what a study says about them, beside its bases, and checks of their use."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..common.near_names import nearest
from .designs import parts_of


def encoder_config(study: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what defines an encoder of a study: its name and source."""
    return {"name": name, "kind": "encoder", **study["encoders"][name]}


def with_encoder(study: Mapping[str, Any], design: str) -> dict[str, Any]:
    """Return a design of a study; if it has an encoder, with the encoder's config in place of its name."""
    settings = study["designs"][design]
    if "contextual" not in settings:
        return dict(settings)
    return {**settings, "contextual": encoder_config(study, settings["contextual"])}


def models_of(study: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the bases and encoders of a study by name; no two have the same name."""
    encoders = {name: encoder_config(study, name) for name in study.get("encoders", ())}
    return {**study["bases"], **encoders}


def check_encoders(study: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line for each problem of a study's encoders and of the designs that use them."""
    encoders, bases = study.get("encoders", {}), {name.lower(): name for name in study["bases"]}
    for name in encoders:
        if (base := bases.get(name.lower())) is not None:
            yield f"encoders.{name}: base {base} has the same name; rename one of the two"
    for name, design in study["designs"].items():
        yield from _check_design(f"designs.{name}", design, encoders)
    used = {design.get("contextual") for design in study["designs"].values()}
    for name in encoders:
        if name not in used:
            yield f"encoders.{name} is not the `contextual` of any design; remove it"


def _check_design(key: str, design: Mapping[str, Any], encoders: Mapping[str, Any]) -> Iterator[str]:
    named = design.get("contextual")
    if named is None:
        for part, pooling in parts_of(design["pooling"]).items():
            if pooling["kind"] == "contextual":
                path = ".".join(filter(None, [key, "pooling", part, "kind"]))
                yield f"{path} contextual needs {key}.contextual, the name of an encoder"
    elif not encoders:
        yield f"{key}.contextual {named} needs encoders.{named}, and this study has no encoders"
    elif named not in encoders:
        yield f"{key}.contextual {named} is not an encoder of this study; {nearest(named, [*encoders])}"
