"""What the two layouts of a critical-difference diagram, `two_sided_ranks` and `rank_rows`, share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .rank_axis import RankAxis


@dataclass(frozen=True, kw_only=True)
class RankLayout:
    """Average ranks on an axis, with a bar for each clique of designs."""

    axis: RankAxis
    ranks: Mapping[str, float]
    intervals: Mapping[str, Sequence[float]]
    bars: Sequence[Sequence[tuple[float, float]]]  # where each clique's bar is thick
    bar_levels: list[int]
    n_undrawn: int = 0  # cliques that did not fit

    @property
    def n_levels(self) -> int:
        """The number of levels that the bars take."""
        return 1 + max(self.bar_levels, default=-1)

    @property
    def gaps(self) -> bool:
        """Whether a bar passes a design outside its clique."""
        return any(len(bar) > 1 for bar in self.bars)
