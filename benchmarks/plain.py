"""The baseline of the speed claims: the paper's formulas computed as they are written, as in its code.

Pooling: latents are repeated for each text, all of them are projected to queries and fed forward text by
text, and keys and values are formed in full. Backbone: a batch is run as it comes, padded to its longest
text, and the states of all layers are kept until they are pooled.
"""

from typing import Any

import torch
import torch.nn.functional as F
from sentence_transformers import SentenceTransformer
from torch import Tensor

from embedding_designs.modules.backbone import Backbone
from embedding_designs.modules.pooling import TOKEN_POOLINGS
from embedding_designs.modules.trainable_pooling import LastLayerPooling, MultiLayerPooling, TrainablePooling


class PlainFormulas:
    """Computes a trainable pooling from the same weights by plain formulas."""

    def pool_states(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return (batch, dim) from input states (batch, n, dim)."""
        latents = self.latent_states.unsqueeze(0).repeat(len(inputs), 1, 1)  # (batch, latents, dim)
        inputs = self.norm_inputs(inputs.to(latents.dtype))
        attended = F.scaled_dot_product_attention(
            self._split(self.to_query(self.norm_latents(latents))),
            self._split(self.to_key(inputs)),
            self._split(self.to_value(inputs)),
            attn_mask=None if mask is None else mask.bool()[:, None, None, :],
        )  # (batch, heads, latents, head_dim)
        states = attended.transpose(1, 2).flatten(2) @ self.to_output.weight + latents
        values, gates = self.feed_forward.expand(self.norm_feed_forward(states)).chunk(2, dim=-1)
        states = self.feed_forward.contract(values * F.gelu(gates)) + states
        return states.mean(dim=1)

    def _split(self, states: Tensor) -> Tensor:
        return states.unflatten(-1, (self.heads, self.head_dim)).transpose(1, 2)


class PlainLastLayerPooling(PlainFormulas, LastLayerPooling):
    """`last_layer` by plain formulas."""


class PlainMultiLayerPooling(PlainFormulas, MultiLayerPooling):
    """`multi_layer` by plain formulas."""


def plain_copy(pooling: torch.nn.Module) -> torch.nn.Module:
    """Return a pooling that shares the weights of a last_layer or multi_layer pooling."""
    plain = PlainMultiLayerPooling if pooling.reads_layers else PlainLastLayerPooling
    with torch.device("meta"):
        copy = plain(**pooling.get_config_dict())
    copy.load_state_dict(pooling.state_dict(keep_vars=True), assign=True)
    return copy.train(pooling.training)


class PlainBackbone(Backbone):
    """A backbone that runs a batch whole and keeps all hidden states where layers are pooled."""

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Add token_embeddings and, if asked, layer_embeddings."""
        ids, mask = features["input_ids"], features["attention_mask"]
        states = self.model(ids, mask, output_hidden_states=self.layer_tokens is not None, return_dict=True)
        features["token_embeddings"] = states.last_hidden_state
        if self.layer_tokens is not None:
            pool = TOKEN_POOLINGS[self.layer_tokens]
            pooled = [pool(states.hidden_states[layer], mask) for layer in self.layers]
            features["layer_embeddings"] = torch.stack(pooled, dim=1)
        return features


def made_plain(model: SentenceTransformer, pooling: bool = True) -> SentenceTransformer:
    """Return the model with its backbone, and by default its pooling, replaced by plain ones."""
    model[0].__class__ = PlainBackbone
    if pooling and isinstance(model[1], TrainablePooling):
        model[1] = plain_copy(model[1])
    return model
