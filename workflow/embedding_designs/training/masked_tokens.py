"""Masked next-token prediction: a masked token is predicted from the state of the token before it.

LLM2Vec (BehnamGhader et al. 2024, arXiv 2404.05961), section 2.
"""

from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn

from ..common.errors import BadInput
from . import processes

BLANK = "_"  # LLM2Vec's mask for tokenizers that have none


class MaskedNextTokenLoss(nn.Module):
    """Cross-entropy of the masked tokens, averaged over those of a batch.

    head: computes the logits of the next token from states; mask_token: id of the token that replaces masked
    ones; special: ids of tokens that are never masked; share: of the tokens to mask, drawn anew in each step;
    seed: for the masks of held-out batches, which are always the same.
    """

    def __init__(
        self, model: SentenceTransformer, head: nn.Module, mask_token: int, special: Iterable[int],
        share: float, seed: int,
    ):  # fmt: skip
        super().__init__()
        self.model, self.head, self.mask_token = model, head, mask_token
        self.register_buffer("special", torch.tensor(sorted(special)))
        self.share, self.seed = share, seed

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor | None) -> Tensor:
        """Return the loss of a batch: one dictionary of input_ids and attention_mask, (batch, tokens)."""
        (features,) = sentence_features
        ids, real = features["input_ids"], features["attention_mask"].bool()
        masked = self.masked(ids, real)
        output = self.model({**features, "input_ids": ids.masked_fill(masked, self.mask_token)})
        states = output["token_embeddings"][output["attention_mask"].bool()]  # (real tokens, dim)
        masked, ids = masked[real], ids[real]  # (real tokens,), on whichever side the padding is
        logits = self.head(states[:-1][masked[1:]])  # (masked, vocabulary), from the states before them
        loss = F.cross_entropy(logits.float(), ids[masked], reduction="sum") / masked.sum().clamp(min=1)
        return loss if torch.is_grad_enabled() else processes.mean(loss)

    def masked(self, ids: Tensor, real: Tensor) -> Tensor:
        """Return a mask, True where a token is masked, (batch, tokens)."""
        generator = None
        if not torch.is_grad_enabled():
            generator = torch.Generator(ids.device).manual_seed(self.seed)
        drawn = torch.rand(ids.shape, device=ids.device, generator=generator) < self.share
        return drawn & maskable(ids, real, self.special)


def maskable(ids: Tensor, real: Tensor, special: Tensor) -> Tensor:
    """Return where a token can be masked, (batch, tokens): it is not special and has a token before it."""
    first = F.pad(real[:, :-1], (1, 0)) < real  # no state predicts it
    return real & ~first & ~torch.isin(ids, special)


def mask_token_of(tokenizer: Any, asked_by: str) -> int:
    """Return the id of the token that replaces masked ones: the tokenizer's mask token, or else "_"."""
    if tokenizer.mask_token_id is not None:
        return tokenizer.mask_token_id
    number = tokenizer.convert_tokens_to_ids(BLANK)
    if number is None or number == tokenizer.unk_token_id:
        raise BadInput(f'{asked_by}: its tokenizer has neither a mask token nor "{BLANK}"; set mask_token')
    return number
