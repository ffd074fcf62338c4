"""The F test of two mean squares."""

from scipy import special

from .finite import finite

NOISE = 1e-24  # scores have 6 decimals, so a smaller sum of squares is floating-point noise


@finite
def f_test(
    mean_square: float, df1: float, error: float, df2: float, reason: str
) -> dict[str, float | str | None]:
    """Return F = mean_square / error with its p, or None for both and the reason if the error is 0."""
    if error == 0:
        return {"f": None, "df1": df1, "df2": df2, "p": None, "reason": reason}
    f = mean_square / error
    return {"f": float(f), "df1": df1, "df2": df2, "p": float(special.fdtrc(df1, df2, f))}
