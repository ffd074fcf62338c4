"""The contextual token: what a small bidirectional encoder reads in a text, as one token before the text."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .attention_probe import probe_attention
from .full_precision import FullPrecision
from .length_batches import chunks_by_length, original_order
from .loading import HUB_SETTINGS, CheckedTransformer, keep_code_references
from .pooling import mean_token, padding_last, products_like

FOLDER = "contextual"  # in the folder of a saved backbone
PROJECTION = "projection.safetensors"
IDS, MASK = "context_ids", "context_mask"  # what the encoder reads, beside the backbone's own features


class ContextualToken(CheckedTransformer):
    """A bidirectional encoder whose view of the text becomes the first token of a causal language model.

    Causal2Vec (Lin et al. 2025, arXiv 2507.23386), as in its abstract: a lightweight BERT-style model encodes
    the text into a single contextual token, which comes before the text, so that each token has information
    on what follows it; the embedding joins the last states of this token and of EOS. These are choices made
    here: the mean over the encoder's token states; the projection, linear, exact GELU, and linear; and that
    LoRA leaves the encoder frozen, while full finetuning trains it.

    width: of the backbone. A decoder is made bidirectional. BERT's pooler, which checkpoints may lack, is
    dropped. Python code that comes with the encoder never runs. Raises ValueError if weights are missing or
    not finite, or if the encoder is not bidirectional.
    """

    config_keys = [*CheckedTransformer.config_keys, "width"]
    unneeded = ("pooler.",)

    def __init__(self, model_name_or_path: str, *, width: int, **kwargs: Any):
        for name in HUB_SETTINGS:  # without this setting, transformers asks at the terminal
            kwargs[name] = {**(kwargs.get(name) or {}), "trust_remote_code": False}
        super().__init__(model_name_or_path, **kwargs)
        keep_code_references(self.model, self.tokenizer, ())
        if hasattr(self.model, "pooler"):
            self.model.pooler = None
        self.model.config.is_causal = False
        probe_attention(self.model, "bidirectional")
        self.width = width
        self.projection = Projection(self.get_embedding_dimension(), width)

    def freeze(self) -> None:
        """Train only the projection; the encoder then has no dropout."""
        self.model.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> "ContextualToken":
        """Set the mode of training; a frozen encoder stays in that of evaluation."""
        super().train(mode)
        self.model.train(mode and any(weights.requires_grad for weights in self.model.parameters()))
        return self

    def read(self, texts: Sequence[str], limit: int) -> dict[str, Tensor]:
        """Return IDS and MASK of texts with their prompts, (batch, tokens), each truncated to `limit`."""
        longest = min(limit, self.max_seq_length or limit, positions_after_padding(self.model) or limit)
        rows = self.tokenizer(list(texts), truncation=True, max_length=longest)["input_ids"]
        rows = [torch.tensor(row or [0]) for row in rows]  # an empty text may have no token
        masks = [torch.ones_like(row) for row in rows]
        return {
            name: nn.utils.rnn.pad_sequence(values, batch_first=True)
            for name, values in ((IDS, rows), (MASK, masks))
        }

    def forward(self, features: dict[str, Any], **kwargs: Any) -> Tensor:
        """Return the contextual token of each text, (batch, width), from its IDS and MASK."""
        order = padding_last(features[MASK])  # positions may be absolute
        ids, mask = (features[name].take_along_dim(order, dim=1) for name in (IDS, MASK))
        chunks = chunks_by_length(mask)
        read = {"input_ids": ids, "attention_mask": mask}
        means = torch.cat([self._mean_state(chunk.cut(read)) for chunk in chunks])
        with products_like(means):
            return self.projection(means[original_order(chunks)])

    def _mean_state(self, read: dict[str, Tensor]) -> Tensor:
        return mean_token(self.model(**read).last_hidden_state, read["attention_mask"])

    def save(self, output_path: str, *args: Any, **kwargs: Any) -> None:
        """Write the encoder and the projection to FOLDER of a backbone's folder."""
        folder = Path(output_path, FOLDER)
        super().save(str(folder), *args, **kwargs)
        weights = {name: weights.contiguous() for name, weights in self.projection.state_dict().items()}
        save_file(weights, folder / PROJECTION)

    @classmethod
    def load_beside(
        cls, model_name_or_path: str, subfolder: str = "", **hub: Any
    ) -> "ContextualToken | None":
        """Return the contextual token in the folder of a saved backbone, or None if it has none."""
        folder = str(Path(subfolder, FOLDER))
        if cls.load_file_path(model_name_or_path, PROJECTION, subfolder=folder, **hub) is None:
            return None
        # Not by its subfolder: transformers would take an adapter beside it for the encoder's.
        local = str(cls.load_dir_path(model_name_or_path, subfolder=folder, **hub))
        token = cls.load(local, local_files_only=True)
        token.projection.load_state_dict(load_file(Path(local, PROJECTION)))
        return token


class Projection(FullPrecision):
    """Maps the mean state of an encoder to the width of a language model: linear, exact GELU, linear."""

    def __init__(self, dimension: int, width: int):
        super().__init__()
        self.first, self.second = nn.Linear(dimension, width), nn.Linear(width, width)

    def forward(self, states: Tensor) -> Tensor:
        """Return (batch, width) from states (batch, dimension)."""
        return self.second(nn.functional.gelu(self.first(states)))


def positions_after_padding(model: nn.Module) -> int | None:
    """Return how many tokens a model can read whose positions start after that of padding, as RoBERTa's do.

    None for other models. RoBERTa has 514 positions for texts of 512 tokens.
    """
    for name, part in model.named_modules():
        if name.endswith("position_embeddings") and getattr(part, "padding_idx", None) is not None:
            return part.num_embeddings - part.padding_idx - 1
    return None


def with_first(embeddings: Tensor, vectors: Tensor, mask: Tensor) -> Tensor:
    """Return input embeddings with those of the first real tokens replaced by `vectors`.

    Shapes: embeddings (batch, tokens, dim), vectors (batch, dim), mask (batch, tokens).
    """
    rows = torch.arange(len(embeddings), device=embeddings.device)
    return embeddings.index_put((rows, mask.bool().byte().argmax(dim=1)), vectors.to(embeddings.dtype))
