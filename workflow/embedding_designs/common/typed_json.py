"""Turns frozen dataclasses into JSON objects and back: field names are keys.

A field whose value is its default, such as a `reason` that is None, has no key.
"""

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from .errors import BadInput

T = TypeVar("T")
WORDS = {"missing": "is missing", "unexpected_keyword_argument": "is not a known key",
         "dataclass_type": "is not an object", "dict_type": "is not an object",
         "list_type": "is not an array", "string_type": "is not a string", "int_type": "is not an integer",
         "float_type": "is not a number", "float_parsing": "is not a number",
         "bool_type": "is not true or false"}  # fmt: skip


def to_json(value: Any) -> dict[str, Any]:
    """Return a dataclass as a JSON object, with the dataclasses inside it."""
    return TypeAdapter(type(value)).dump_python(value, exclude_defaults=True)


def from_json(kind: type[T], content: Any, named: str) -> T:
    """Return a JSON object as a dataclass of this kind.

    named: what the object is called in error messages. Raises BadInput that names the first key that is
    missing, not known, or of another type.
    """
    if not isinstance(content, dict):
        raise BadInput(f"{named}: not a JSON object")
    try:
        return TypeAdapter(kind).validate_python(content, extra="forbid")
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        problem = WORDS.get(first["type"], first["msg"].removeprefix("Input "))
        raise BadInput(f"{named}: {key} {problem}") from None
