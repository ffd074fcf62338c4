"""Refuses missing and infinite numbers, from which most tests would compute something without complaint."""

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import signature
from math import isfinite
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pandas as pd

from ...common.errors import BadInput

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def finite(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Return the function with a check of its arguments: BadInput names the first number that is not finite.

    Tables, arrays, numbers, and sequences and mappings of them are checked; None is not a number.
    """
    named = signature(function)

    @wraps(function)
    def checked(*arguments: Parameters.args, **keywords: Parameters.kwargs) -> Result:
        for name, value in named.bind(*arguments, **keywords).arguments.items():
            if problem := _not_finite(value):
                raise BadInput(f"{function.__name__}: {name} has {problem}; every number must be finite")
        return function(*arguments, **keywords)

    return checked


def _not_finite(value: Any) -> str | None:
    """Return the first number that is not finite, and where it is, or None."""
    if value is None or isinstance(value, str | int):
        return None
    if isinstance(value, float | np.floating):
        return None if isfinite(value) else str(value)
    if isinstance(value, pd.DataFrame):
        if (place := _first(value.to_numpy())) is None:
            return None
        row, column = place
        return f"{value.iat[row, column]} in row {value.index[row]}, column {value.columns[column]}"
    if isinstance(value, np.ndarray):
        place = _first(value)
        return None if place is None else f"{value[place]} at {list(map(int, place))}"
    if isinstance(value, Mapping):
        found = ((key, _not_finite(one)) for key, one in value.items())
        return next((f"{problem} at {key}" for key, problem in found if problem), None)
    if isinstance(value, list | tuple | pd.Series):
        return next((problem for problem in map(_not_finite, value) if problem), None)
    return None


def _first(values: np.ndarray) -> tuple[int, ...] | None:
    """Return the index of the first missing or infinite value; arrays of objects may also hold texts."""
    if values.dtype.kind == "O":
        bad = pd.isna(values) | (values == np.inf) | (values == -np.inf)
    elif values.dtype.kind == "f":
        bad = ~np.isfinite(values)
    else:
        return None
    return tuple(np.argwhere(bad)[0]) if bad.any() else None
