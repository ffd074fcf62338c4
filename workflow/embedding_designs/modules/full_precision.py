"""Weights that stay float32 on a backbone in half precision."""

from torch import Tensor, nn


class FullPrecision(nn.Module):
    """A module that moves with its model but is never cast to a smaller type.

    A SentenceTransformer casts every module to the backbone's precision when it is built or loaded.
    """

    def _apply(self, fn, recurse: bool = True):
        def moved(tensor: Tensor) -> Tensor:
            result = fn(tensor)
            return tensor.to(result.device) if result.itemsize < tensor.itemsize else result

        return super()._apply(moved, recurse)
