"""How a text becomes tokens: unchanged, twice (echo), or in a template that asks for one word (prompt).

The parts of a template and the text are tokenized separately and joined, so that the positions of the pooled
tokens are known. Truncation shortens only the text, to what a plain input would keep of it, never the
template.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

TEXT = "{text}"  # is replaced by the text


class Row(NamedTuple):
    """The token ids of a text with its prompt, template, and EOS; those from start to stop are pooled."""

    ids: list[int]
    start: int
    stop: int

    def after(self, first: int) -> "Row":
        """Return this row with another token before it, which is not pooled."""
        return Row([first, *self.ids], self.start + 1, self.stop + 1)


class PlainInput:
    """The prompt and the text, with no separator, then EOS. pool_prompt: whether the prompt is pooled too.

    GritLM (Muennighoff et al. 2024, arXiv 2402.09906, section 2), LLM2Vec (BehnamGhader et al. 2024, arXiv
    2404.05961) and NV-Embed (Lee et al. 2024, arXiv 2405.17428) leave them out of the pooling. A token with
    characters of both belongs to the text. Sentence Transformers' `prompt_length`, from the prompt tokenized
    separately, would leave such a token out; without such a token, both pool the same ones.
    """

    def __init__(self, tokenizer: Any, pool_prompt: bool = True):
        self.tokenizer = tokenizer
        self.specials = Specials(tokenizer)
        self.pool_prompt = pool_prompt
        if not pool_prompt and not tokenizer.is_fast:
            raise ValueError("its tokenizer does not return token offsets, which pool_prompt: false needs")

    def rows(self, texts: Sequence[str], prompt: str, side: str, limit: int) -> list[Row]:
        """Return the rows of texts, with at most `limit` tokens of prompt, text, and special tokens."""
        apart = bool(prompt) and not self.pool_prompt
        room_for_eos = 0 if self.specials.adds_eos else 1
        found = self.tokenizer(
            [prompt + text for text in texts],
            truncation=True,
            max_length=limit - room_for_eos,
            return_attention_mask=False,
            return_offsets_mapping=apart,
        )
        rows = [ids + [self.tokenizer.eos_token_id] * room_for_eos for ids in found["input_ids"]]
        starts = [0] * len(rows)
        if apart:
            starts = [tokens_within(offsets, len(prompt)) for offsets in found["offset_mapping"]]
        return [Row(ids, min(start, len(ids) - 1), len(ids)) for ids, start in zip(rows, starts, strict=True)]

    def longest(self, limit: int) -> int:
        """Return the largest number of tokens that a row can have."""
        return limit


class TemplateInput:
    """The prompt, then a template in which the text replaces each {text}."""

    copies = 1  # of the text in a template

    def __init__(self, tokenizer: Any, templates: dict[str, str]):
        self.tokenizer = tokenizer
        self.specials = Specials(tokenizer)
        self.templates = templates
        self.pieces: dict[tuple[str, str], list[list[int]]] = {}  # by side and prompt, tokenized once

    def rows(self, texts: Sequence[str], prompt: str, side: str, limit: int) -> list[Row]:
        """Return the rows of texts, with at most `limit` tokens of prompt, text, and special tokens.

        The template and a second copy of the text are added to these.
        """
        if (side, prompt) not in self.pieces:
            self.pieces[side, prompt] = self._tokenized(side, prompt)
        of_prompt, *pieces = self.pieces[side, prompt]
        room = max(0, limit - len(self.specials.first) - len(of_prompt) - 1)
        found = self.tokenizer(
            list(texts),
            add_special_tokens=False,
            truncation=True,
            max_length=limit,
            return_attention_mask=False,
        )["input_ids"]
        return [self.row(pieces, ids[:room], self.tokenizer.eos_token_id) for ids in found]

    def longest(self, limit: int) -> int:
        """Return the largest number of tokens that a row can have."""
        pieces = [self._tokenized(side, "") for side in self.templates]
        return self.copies * limit + max(sum(map(len, of_side)) for of_side in pieces)

    def row(self, pieces: list[list[int]], text: list[int], eos: int) -> Row:
        """Return the row of a text, given the token ids before, between and after its copies."""
        raise NotImplementedError

    def _tokenized(self, side: str, prompt: str) -> list[list[int]]:
        """Return the token ids of the prompt and of each piece; the first piece includes the prompt."""
        first, *others = self.templates[side].split(TEXT)
        ids = self.tokenizer([prompt, prompt + first, *others], add_special_tokens=False)["input_ids"]
        return [ids[0], self.specials.first + ids[1], *ids[2:]]


class EchoInput(TemplateInput):
    """The text twice; the second copy, whose tokens attend to the complete text, is pooled with EOS after it.

    Springer et al. 2024, arXiv 2402.15449, section 3, with the templates of their public code, which also
    pools EOS. If the template continues after the second copy, EOS comes at its end and is not pooled.
    """

    copies = 2

    def row(self, pieces: list[list[int]], text: list[int], eos: int) -> Row:
        """Return the row of a text; EOS is pooled if the text is empty."""
        before, between, after = pieces
        ids = [*before, *text, *between, *text, *after, eos]
        start = len(before) + len(text) + len(between)
        if not after or not text:
            return Row(ids, start if not after else len(ids) - 1, len(ids))
        return Row(ids, start, start + len(text))


class PromptInput(TemplateInput):
    """The text in a template that ends where one word would follow; the last token is pooled, without EOS.

    PromptEOL (Jiang et al. 2023, arXiv 2307.16645, section 3.1).
    """

    def row(self, pieces: list[list[int]], text: list[int], eos: int) -> Row:
        """Return the row of a text."""
        before, after = pieces
        ids = [*before, *text, *after]
        return Row(ids, len(ids) - 1, len(ids))


TEMPLATES = {"echo": EchoInput, "prompt": PromptInput}


def input_of(
    tokenizer: Any, kind: str, templates: dict[str, str] | None, pool_prompt: bool
) -> PlainInput | TemplateInput:
    """Return the input that a design names: "plain", or a key of TEMPLATES."""
    if kind == "plain":
        return PlainInput(tokenizer, pool_prompt)
    return TEMPLATES[kind](tokenizer, templates or {})


class Specials:
    """The special tokens that a tokenizer adds before a text, and whether it adds EOS after it."""

    def __init__(self, tokenizer: Any):
        found = tokenizer("a", return_special_tokens_mask=True)
        ids, special = found["input_ids"], found["special_tokens_mask"]
        self.first = ids[: special.index(0)]
        self.adds_eos = ids[-1] == tokenizer.eos_token_id


def tokens_within(offsets: Sequence[tuple[int, int]], characters: int) -> int:
    """Return how many leading tokens lie within this many characters. offsets: those of each token."""
    for position, (_, stop) in enumerate(offsets):
        if stop > characters:
            return position
    return len(offsets)


def pooling_mask(rows: Sequence[Row], mask: Tensor, padding_side: str) -> Tensor:
    """Return 1 where a token is pooled, (batch, tokens). mask: the attention mask of the padded rows."""
    padding = (mask == 0).sum(dim=1) if padding_side == "left" else torch.zeros(len(mask), dtype=torch.long)
    start, stop = (
        (padding + torch.tensor(ends)).unsqueeze(1)
        for ends in zip(*((row.start, row.stop) for row in rows), strict=True)
    )
    positions = torch.arange(mask.shape[1])
    return ((positions >= start) & (positions < stop)).to(mask.dtype)
