"""Places costs on a logarithmic axis, and moves markers and names apart, in points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator
from scipy.optimize import isotonic_regression

NARROW = 1.3  # least ratio of the ends of the axis
LINEAR = 5  # ratio of the ends up to which ticks are at even steps


@dataclass(frozen=True)
class CostAxis:
    """A logarithmic axis of costs, with `low` at x `start` and `high` at x `stop`, in points."""

    low: float
    high: float
    start: float
    stop: float

    @property
    def per_point(self) -> float:
        """The logarithm of the factor from one point to the next."""
        return log(self.high / self.low) / (self.stop - self.start)

    def x(self, cost: float) -> float:
        """Return the x of a cost."""
        return self.start + log(cost / self.low) / self.per_point

    def cost(self, x: float) -> float:
        """Return the cost at an x."""
        return self.low * exp((x - self.start) * self.per_point)

    def ticks(self, beyond: float) -> list[float]:
        """Return round costs from x 0 to this many points beyond the highest cost."""
        first, last = self.cost(0), self.cost(self.stop + beyond)
        decades = log(last / first, 10)
        each = (1,) if decades > 2.6 else (1, 3) if decades > 1.4 else (1, 2, 5)
        even = last / first <= LINEAR
        locator = MaxNLocator(6, steps=[1, 2, 5, 10]) if even else LogLocator(10, each)
        return [float(tick) for tick in locator.tick_values(first, last) if first <= tick <= last]


def cost_axis(costs: Sequence[float], start: float, stop: float) -> CostAxis:
    """Return an axis whose ends are the lowest and the highest cost, or a little apart if they are close."""
    low, high = min(costs), max(costs)
    apart = max(1.0, NARROW * low / high) ** 0.5
    return CostAxis(low / apart, high * apart, start, stop)


def spread(places: Mapping[str, float], gap: float, low: float, high: float) -> dict[str, float]:
    """Return places from `low` to `high` that are at least `gap` apart, in the order of the given ones.

    Equal places keep the order of the names. The sum of the squared shifts is the least: without the gaps, it
    is an isotonic regression.
    """
    order = sorted(places, key=places.__getitem__)
    gaps = gap * np.arange(len(order))
    fitted = isotonic_regression(np.array([places[name] for name in order]) - gaps).x
    moved = np.clip(fitted, low, high - gaps[-1]) + gaps
    return dict(zip(order, moved.tolist(), strict=True))
