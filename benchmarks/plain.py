"""The baseline of the speed claims: the paper's formulas computed as written, as in its code.

Pooling: the plain equations (modules/plain_trainable_pooling.py). The latents are repeated for each text; for
each text, all of them are projected to queries and passed through the feed-forward layer, and complete keys
and values are computed. Backbone: a batch is padded to its longest text, and the states of all layers are
kept until they are pooled.
"""

from typing import Any

import torch
from sentence_transformers import SentenceTransformer

from embedding_designs.modules.backbone import Backbone
from embedding_designs.modules.plain_trainable_pooling import PlainTrainablePooling
from embedding_designs.modules.pooling import TOKEN_POOLINGS
from embedding_designs.modules.trainable_pooling import LastLayerPooling, MultiLayerPooling, TrainablePooling


class PlainLastLayerPooling(LastLayerPooling):
    """The pooling `last_layer` with the plain equations."""

    pool_states = PlainTrainablePooling.pool_states


class PlainMultiLayerPooling(MultiLayerPooling):
    """The pooling `multi_layer` with the plain equations."""

    pool_states = PlainTrainablePooling.pool_states


def plain_copy(pooling: torch.nn.Module) -> torch.nn.Module:
    """Return a pooling that shares the weights of a last_layer or multi_layer pooling."""
    plain = PlainMultiLayerPooling if pooling.reads_layers else PlainLastLayerPooling
    with torch.device("meta"):
        copy = plain(**pooling.get_config_dict())
    copy.load_state_dict(pooling.state_dict(keep_vars=True), assign=True)
    return copy.train(pooling.training)


class PlainBackbone(Backbone):
    """A backbone that runs a batch at once and, if layers are pooled, keeps all hidden states."""

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Add token_embeddings and, if the pooling reads them, layer_embeddings."""
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
