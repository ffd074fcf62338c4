"""Applies the schema of a study: types, defaults, and one line on each value that is not allowed."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from ..common.json_files import is_number
from ..common.names import NAME_PATTERN, check_name
from ..common.near_names import nearest
from ..common.wording import SHOWN, shown
from .yaml_file import plain_value

SCHEMA = Path(__file__).with_name("study.schema.yaml")
TYPES = {
    "string": "text", "integer": "an integer", "number": "a number", "boolean": "true or false",
    "object": "a mapping", "array": "a list", "null": "null",
}  # fmt: skip
LIMITS = {
    "minimum": "must be at least", "maximum": "must be at most", "exclusiveMinimum": "must be greater than",
    "exclusiveMaximum": "must be less than", "minItems": "has too few items; at least",
}  # fmt: skip
NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")  # no path or command can have them
RENAMED = {  # keys of older studies, for error messages
    "references": "baselines",
    "statistics.baseline": "statistics.control",
    "training.max_tokens": "training.max_seq_length",
    "training.accumulation": "training.gradient_accumulation_steps",
    "training.cached_chunk": "training.mini_batch_size",
    "evaluation.max_tokens": "evaluation.max_seq_length",
}


def _is_text(_: Any, value: Any) -> bool:
    return isinstance(value, str) and not NO_TEXT.search(value)


def _is_integer(_: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)  # 1.0 would make a path "seed1.0"


def _is_number(_: Any, value: Any) -> bool:
    return is_number(value)


Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"string": _is_text, "integer": _is_integer, "number": _is_number}
    ),
)


@cache
def study_schema() -> dict[str, Any]:
    """Return the JSON schema of a study."""
    return yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))


def part_schema(part: str) -> Mapping[str, Any]:
    """Return the schema of a part of a study, such as "data", "statistics" or "docstring_tasks"."""
    schema = study_schema()
    return schema["$defs"][part] if part in schema["$defs"] else schema["properties"][part]


def schema_problems(study: Any, part: str | None = None) -> Iterator[str]:
    """Yield one line for each value that the schema does not allow: key, value, what is allowed.

    part: the name of the part of a study that `study` is; default: it is a complete study.
    """
    schema = study_schema()
    if part:
        study, schema = {part: study}, {"$defs": schema["$defs"], "properties": {part: part_schema(part)}}
    return map(_explain, Validator(schema).iter_errors(study))


def defaults(part: str, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a part of a study, such as "statistics", with the schema's defaults in place of missing keys."""
    return with_defaults(given or {}, part_schema(part))


def typed(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return `value` with texts parsed as numbers, booleans and null wherever the schema expects no text.

    Snakemake's `--config` passes all nested values as text.
    """
    schema = _resolved(schema)
    if isinstance(value, Mapping):
        known, others = schema.get("properties", {}), schema.get("additionalProperties") or {}
        return {str(key): typed(item, known.get(key, others)) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item, schema.get("items", {})) for item in value]
    wanted = schema.get("type", "string" if "enum" in schema else ())
    means = plain_value(value) if isinstance(value, str) else value
    return value if "string" in wanted and not (means is None and "null" in wanted) else means


def with_defaults(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return `value` with the schema's defaults in place of missing keys, at every depth.

    Parts that the schema marks `partial` are unchanged: their missing keys are filled in elsewhere.
    """
    schema = _resolved(schema)
    if not isinstance(value, Mapping) or schema.get("partial"):
        return value
    properties = _applicable(schema, value).get("properties", {})
    known = {key: _resolved(sub) for key, sub in properties.items()}
    missing = {key: sub["default"] for key, sub in known.items() if "default" in sub and "partial" not in sub}
    filled = deepcopy(missing) | dict(value)
    others = schema.get("additionalProperties", {}) or {}
    return {key: with_defaults(item, known.get(key, others)) for key, item in filled.items()}


def merged(below: Any, above: Any) -> Any:
    """Return `below` with the keys of `above` laid over it, mapping by mapping."""
    if not (isinstance(below, Mapping) and isinstance(above, Mapping)):
        return deepcopy(above)
    replaced = {key: merged(below.get(key), value) for key, value in above.items()}
    return deepcopy(dict(below)) | replaced


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schema with what it refers to, its own keys laid over that."""
    if "$ref" not in schema:
        return schema
    return merged(study_schema()["$defs"][schema["$ref"].rsplit("/", 1)[1]], schema)


def _applicable(schema: Mapping[str, Any], value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schema, laid over those of its conditional parts that apply to a value."""
    for part in schema.get("allOf", ()):
        if Validator(part["if"]).is_valid(value):
            schema = merged(part["then"], schema)
    return schema


def _explain(error: jsonschema.ValidationError) -> str:
    key = ".".join(str(part) for part in error.absolute_path)
    rule, limit, value = error.validator, error.validator_value, error.instance
    if rule == "additionalProperties":
        return _unknown(key, value, list(error.schema["properties"]))
    if rule == "required":
        missing = next(name for name in limit if name not in value)
        return f"{'.'.join(filter(None, [key, missing]))} is missing"
    if error.schema.get("pattern") == NAME_PATTERN and rule in ("pattern", "maxLength"):
        return check_name(key, value, error.schema["maxLength"]) or ""
    if rule == "enum" and "then" in error.absolute_schema_path:
        return f"{key} {shown(value)} does not fit the keys beside it; {nearest(value, limit)}"
    return f"{key or 'the study'} {_why(rule, limit, value)}"


def _unknown(key: str, value: Mapping[str, Any], known: list[str]) -> str:
    unknown = next(name for name in value if name not in known)
    path = ".".join(filter(None, [key, unknown[:SHOWN]]))
    hint = f"it is now called {RENAMED[path]}" if path in RENAMED else nearest(unknown, known)
    return f"{path} is not known; {hint}"


def _why(rule: str, limit: Any, value: Any) -> str:
    """Return what is wrong with a value: the value, and the rule that it breaks."""
    if rule == "enum":
        return f"{shown(value)} is not known; {nearest(value, limit)}"
    if rule == "uniqueItems":
        return f"has {Counter(map(shown, value)).most_common(1)[0][0]} twice"
    if rule == "type":
        return f"{shown(value)} {_wrong_type(limit, value)}"
    if rule in ("minItems", "minLength", "minProperties") and limit == 1:
        return f"{shown(value)} must not be empty"
    return f"{shown(value)} {LIMITS.get(rule, f'breaks the rule {rule}')} {limit}"


def _wrong_type(wanted: str | list[str], value: Any) -> str:
    if isinstance(value, str) and "string" in wanted:
        return "contains a control character or lone surrogate"
    if isinstance(value, float) and wanted == "number":
        return "must be a finite number"
    hint = ": put it in quotes" if wanted == "string" and isinstance(value, int | float) else ""
    kinds = [wanted] if isinstance(wanted, str) else wanted
    return f"must be {' or '.join(TYPES[kind] for kind in kinds)}{hint}"
