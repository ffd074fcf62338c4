"""Runs texts of similar length together, so that little padding is computed."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

# On two CPU cores the states of a thousand tokens stay near the processor; a GPU wants large products.
TOKENS_AT_ONCE = {"cpu": 1024, "cuda": 16384}
# A chunk reads all weights once more. In that time a GPU computes this many tokens of padding: its bf16
# operations per second over its bytes per second, 156 on an A100 and 295 on an H100.
PADDING_WORTH_A_CHUNK = {"cpu": float("inf"), "cuda": 256}


class Chunk(NamedTuple):
    """Texts to run together: their rows in the batch, and the columns that hold their tokens."""

    rows: Tensor
    start: int
    stop: int

    def cut(self, features: dict[str, Any]) -> dict[str, Any]:
        """Return the features of these texts; what is not a (batch, tokens, …) tensor is unchanged."""
        shape = features["attention_mask"].shape
        return {
            name: value[self.rows, self.start : self.stop]
            if isinstance(value, Tensor) and value.shape[:2] == shape
            else value
            for name, value in features.items()
        }


def chunks_by_length(mask: Tensor) -> list[Chunk]:
    """Return the texts of an attention mask (batch, tokens), shortest first, in chunks of TOKENS_AT_ONCE.

    A chunk's tokens include padding, of which it has at most PADDING_WORTH_A_CHUNK; a text that is longer
    than a chunk is one by itself.
    """
    limit = TOKENS_AT_ONCE.get(mask.device.type, 4096)
    worth = PADDING_WORTH_A_CHUNK.get(mask.device.type, 256)
    real = mask.bool().cpu()
    lengths, order = real.sum(dim=1).sort(stable=True)
    groups: list[list[int]] = [[]]
    tokens = 0  # real ones of the last group
    for row, length in zip(order.tolist(), lengths.tolist(), strict=True):
        padded = length * (len(groups[-1]) + 1)
        if groups[-1] and (padded > limit or padded - tokens - length > worth):
            groups.append([])
            tokens = 0
        groups[-1].append(row)
        tokens += length
    chunks = []
    for group in groups:
        rows = torch.tensor(group)
        columns = real[rows].any(dim=0).nonzero().flatten()
        start, stop = (int(columns[0]), int(columns[-1]) + 1) if len(columns) else (0, mask.shape[1])
        chunks.append(Chunk(rows.to(mask.device), start, stop))
    return chunks


def original_order(chunks: Sequence[Chunk]) -> Tensor:
    """Return the order that puts the texts of consecutive chunks back where they were in the batch."""
    return torch.cat([chunk.rows for chunk in chunks]).argsort()
