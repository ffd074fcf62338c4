"""Prints p-values, in sentences, tables, and figures."""

SMALLEST = 0.001  # smaller ones are printed as "< 0.001"


def p_value(p: float) -> str:
    """Return a p-value as a table prints it: "0.015", "< 0.001"."""
    return f"< {SMALLEST}" if p < SMALLEST else f"{p:.3f}"


def p_text(p: float) -> str:
    """Return a p-value as a sentence prints it: "p = 0.015", "p < 0.001"."""
    return f"p {p_value(p)}" if p < SMALLEST else f"p = {p_value(p)}"
