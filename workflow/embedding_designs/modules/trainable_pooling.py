"""The paper's trainable pooling: latents attend to token states or to layer states.

It computes exactly what `plain_trainable_pooling` does, in another order. Latents and weights are the same
for every text, so what depends on them alone is computed once (`kept_results`); queries, keys and values are
not formed if another order of the products is cheaper (`contraction`); the feed-forward layer is averaged
over the latents as it is computed (`mean_feed_forward`). docs/performance.md measures what that saves.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function
from torch.utils.checkpoint import checkpoint

from .contraction import Contraction, product_dtype
from .kept_results import KeepsResults
from .mean_feed_forward import MeanGatedUnits, MeanGatedUnitsOfShifted, texts_at_once
from .plain_trainable_pooling import PlainTrainablePooling
from .pooling import last_token, pooled_tokens

# Indices: b text, e input state, h head, m latent, a inner dimension of a head, i, j, c dimension of states.
SCORES = "mi,hai,haj,bej->behm"  # latents, Wq, Wk, inputs
OUTPUT = "behm,bej,haj,hac->bmc"  # attention, inputs, Wv, Wo
OUTPUT_OF_ONE_KEY = "bj,haj,hac->bc"  # the same if the attention is 1
GROUP_BYTES = {True: 2**28, False: 2**26}  # of products at once, in training or not; at least one text's


class TrainablePooling(KeepsResults, PlainTrainablePooling):
    """PlainTrainablePooling with the same weights, results and gradients, in less time and memory."""

    def pool_states(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return (batch, dim) from input states (batch, n, dim); mask (batch, n): True where to attend."""
        inputs = inputs.to(self.latent_states.dtype)  # a bfloat16 backbone meets float32 latents here
        inputs = self.norm_inputs(inputs)
        if inputs.shape[1] == 1:
            return self._pool_one(inputs[:, 0])
        return self._pool_many(inputs, mask)

    def _pool_one(self, inputs: Tensor) -> Tensor:
        """Return (batch, dim) from one state per text: every latent gets that text's one value.

        LN(Z + o) = (centred Z + centred o) / deviation, so W1 is applied to Z and to o, never to their sum,
        and the variance follows from those of Z and of o and their covariance.
        """
        sizes = self._sizes(len(inputs), 1)
        contraction = Contraction(OUTPUT_OF_ONE_KEY, sizes, frozenset({1, 2}), free=self.keeps)
        weights = self.once(
            contraction.steps,
            lambda: contraction.multiply({1: self._heads(self.to_value), 2: self._heads(self.to_output)}),
        )
        (shift,) = contraction.multiply({0: inputs, **weights}).values()  # (batch, dim)
        latents, expanded = self.once("expanded latents", self._expand_latents)
        norm, expand = self.norm_feed_forward, self.feed_forward.expand
        centred = shift - shift.mean(-1, keepdim=True)
        squares = latents.square().mean(-1) + centred.square().mean(-1, keepdim=True)
        variance = squares + 2 / self.dimension * (centred @ latents.T)  # (batch, latents)
        scales = (variance.clamp(min=0) + norm.eps).rsqrt()
        shifts = F.linear(centred * norm.weight, expand.weight)
        bias = F.linear(norm.bias, expand.weight, expand.bias)
        terms = (term.to(expanded.dtype) for term in (shifts, scales, bias))
        units = MeanGatedUnitsOfShifted.apply(expanded, *terms)
        pooled = self.feed_forward.contract(units) + self.latent_states.mean(0) + shift
        # With one key the softmax is 1 whatever Wq and Wk are: their gradients are zero, not absent.
        unused = [self.norm_latents.weight, self.norm_latents.bias, self.to_query.weight, self.to_key.weight]
        return WithZeroGradients.apply(pooled, *unused)

    def _expand_latents(self) -> tuple[Tensor, Tensor]:
        latents = self.latent_states - self.latent_states.mean(-1, keepdim=True)
        return latents, F.linear(latents * self.norm_feed_forward.weight, self.feed_forward.expand.weight)

    def _pool_many(self, inputs: Tensor, mask: Tensor | None) -> Tensor:
        """Return (batch, dim) from several states per text, a group of texts at a time."""
        sizes = self._sizes(*inputs.shape[:2])
        scores = Contraction(SCORES, sizes, frozenset({0, 1, 2}), free=self.keeps)
        output = Contraction(OUTPUT, sizes, frozenset({2, 3}), free=self.keeps)
        folded = self.once((scores.steps, output.steps), lambda: self._fold(scores, output))

        def pool_group(inputs: Tensor, mask: Tensor | None) -> Tensor:
            score_terms, output_terms = folded
            (attention,) = scores.multiply({3: inputs, **score_terms}).values()  # (batch, n, heads, latents)
            if mask is not None:
                attention = attention.masked_fill(~mask.bool()[:, :, None, None], -torch.inf)
            values = output.multiply({1: inputs, **output_terms})
            # Fresh memory costs CPU time, so no more is touched than the feed-forward layer's chunk needs.
            chunk = texts_at_once(self.latent_states, len(self.feed_forward.expand.weight))
            texts = len(inputs) if torch.is_grad_enabled() else chunk
            pooled = [
                self._feed_forward(self._attend(output, attention[part], output.rows(values, "b", part)))
                for part in slices(len(inputs), texts)
            ]
            return torch.cat(pooled)  # (batch, dim)

        all_bytes = (scores.numbers("b") + output.numbers("b")) * inputs.element_size()
        texts = max(1, GROUP_BYTES[torch.is_grad_enabled()] * len(inputs) // all_bytes)
        if len(inputs) <= texts:
            return pool_group(inputs, mask)
        groups = [(inputs[part], None if mask is None else mask[part]) for part in slices(len(inputs), texts)]
        return torch.cat([recomputed(pool_group, *group) for group in groups])

    def _attend(self, output: Contraction, scores: Tensor, values: dict[int, Tensor]) -> Tensor:
        (attended,) = output.multiply({0: scores.softmax(dim=1), **values}).values()
        return attended + self.latent_states  # (batch, latents, dim)

    def _fold(self, scores: Contraction, output: Contraction) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
        latents = self.norm_latents(self.latent_states) * self.head_dim**-0.5
        score_terms = {0: latents, 1: self._heads(self.to_query), 2: self._heads(self.to_key)}
        output_terms = {2: self._heads(self.to_value), 3: self._heads(self.to_output)}
        if self.keeps:
            return scores.fold(score_terms, "h"), output.fold(output_terms, "h")
        return scores.multiply(score_terms), output.multiply(output_terms)

    def _feed_forward(self, states: Tensor) -> Tensor:
        dtype = product_dtype(states)
        expand = self.feed_forward.expand
        weight, bias = self.once("expand", lambda: (expand.weight.to(dtype), expand.bias.to(dtype)))
        normed = self.norm_feed_forward(states).to(dtype)
        units = MeanGatedUnits.apply(normed, weight, bias, torch.is_grad_enabled())
        return self.feed_forward.contract(units) + states.mean(dim=1)

    def _sizes(self, batch: int, states: int) -> dict[str, int]:
        sizes = {"b": batch, "e": states, "h": self.heads, "m": self.latents, "a": self.head_dim}
        # In the order in which products lie in memory.
        return {index: sizes.get(index, self.dimension) for index in "bejhmaic"}

    def _heads(self, linear: nn.Linear) -> Tensor:
        return linear.weight.unflatten(0, (self.heads, self.head_dim))  # (heads, head_dim, dim)


class WithZeroGradients(Function):
    """The identity; gives zero gradients to weights that the result does not depend on."""

    @staticmethod
    def forward(ctx, result: Tensor, *unused: Tensor) -> Tensor:
        """Return `result`."""
        ctx.unused = unused
        return result.view_as(result)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, ...]:
        """Return the gradient, and zeros."""
        return gradient, *(torch.zeros_like(weights) for weights in ctx.unused)


def slices(length: int, step: int) -> list[slice]:
    """Return slices of `step` that cover `length`."""
    return [slice(start, start + step) for start in range(0, length, step)]


def recomputed(function: Callable[..., Tensor], *inputs: Any) -> Tensor:
    """Return function(*inputs); in training its intermediates are computed again rather than kept."""
    if not torch.is_grad_enabled():
        return function(*inputs)
    return checkpoint(function, *inputs, use_reentrant=False, preserve_rng_state=False)


class LastLayerPooling(TrainablePooling):
    """Trainable pooling over the last layer: its last token (design 2), or all its tokens (design 4)."""

    def pool(self, features: dict[str, Any]) -> Tensor:
        """Return (batch, dim) from features["token_embeddings"] (batch, tokens, dim)."""
        states, mask = features["token_embeddings"], pooled_tokens(features)
        if self.tokens == "last":
            return self.pool_states(last_token(states, mask).unsqueeze(1))
        return self.pool_states(states, mask)


class MultiLayerPooling(TrainablePooling):
    """Trainable pooling over one state per layer: its last token (design 3) or mean token (design 5).

    layers: the numbers, from 1, of the layers that are read. layer_weights: whether a trainable vector per
    layer, N(0, 1), is added to that layer's state: the paper's layer weights.
    """

    config_keys = [*TrainablePooling.config_keys, "layers", "layer_weights"]
    reads_layers = True

    def __init__(
        self,
        dimension: int,
        tokens: str,
        latents: int,
        heads: int,
        head_dim: int,
        layers: list[int],
        layer_weights: bool = True,
    ):
        super().__init__(dimension, tokens, latents, heads, head_dim)
        self.layers = layers
        self.layer_weights = layer_weights
        self.layer_vectors = nn.Parameter(torch.randn(len(layers), dimension)) if layer_weights else None

    def pool(self, features: dict[str, Any]) -> Tensor:
        """Return (batch, dim) from features["layer_embeddings"] (batch, layers, dim)."""
        states = features["layer_embeddings"].to(self.latent_states.dtype)
        return self.pool_states(states if self.layer_vectors is None else states + self.layer_vectors)
