"""The backbone: a decoder-only language model whose attention is causal, bidirectional, or both by layer."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention_probe import Attention, probe_attention
from .contextual import IDS, MASK, ContextualToken, with_first
from .inputs import input_of, pooling_mask
from .layer_attention import BidirectionalLayers
from .length_batches import chunks_by_length, original_order
from .loading import CheckedTransformer, keep_code_references, require_all_weights
from .pooling import pooled_tokens

# From the registry, so that a re-saved model has the file of every pooling in its folder.
from .poolings import TOKEN_POOLINGS

HUB_SETTINGS = ("model_kwargs", "processor_kwargs", "config_kwargs")


class Backbone(CheckedTransformer):
    """Sentence Transformers' Transformer with an attention mode, and EOS and padding as embeddings need them.

    attention: "causal", "bidirectional", or {"bidirectional": [numbers of layers, from 1]}, the others being
        causal; kept in the module's own settings, because an adapter-only save has no config.json to keep it
        in, and config.json has no attention by layer.
    layer_tokens: None, or "last" or "mean": also return that token state of each layer.
    layers: numbers, from 1, of the layers whose state is returned; None: all.
    input, templates, pool_prompt: how a text is read and which of its tokens are pooled; see `inputs`.
    context: the contextual token that stands before each text, if there is one; see `contextual`. It is not
        counted in the maximum length, and only the pooling `contextual` reads its state.
    base_code: whether Python files that the language model's `auto_map` names may run. They also need
        `trust_remote_code` when the saved model is loaded, which alone allows only this file's folder.
    Raises ValueError if weights of the language model are missing or not finite, if it ignores the
    attention mode, or if its tokenizer has no EOS token.
    """

    config_keys = [
        *CheckedTransformer.config_keys,
        *("attention", "layer_tokens", "layers", "input", "templates", "pool_prompt", "base_code"),
    ]

    def __init__(
        self,
        model_name_or_path: str,
        *,
        attention: Attention = "causal",
        layer_tokens: str | None = None,
        layers: list[int] | None = None,
        input: str = "plain",
        templates: dict[str, str] | None = None,
        pool_prompt: bool = True,
        context: ContextualToken | None = None,
        base_code: bool = False,
        **kwargs: Any,
    ):
        for name in HUB_SETTINGS:
            settings = kwargs.get(name) or {}
            trusted = base_code and settings.get("trust_remote_code", True)
            kwargs[name] = {**settings, "trust_remote_code": trusted}
        super().__init__(model_name_or_path, **kwargs)
        keep_code_references(
            self.model, self.tokenizer, ("AutoConfig", "AutoModel", "AutoTokenizer") * base_code
        )
        self.context = context
        self.layer_tokens = layer_tokens
        self.layers = layers
        self.base_code = base_code
        if layer_tokens is not None:
            require_parts(self.model, ("layers", "norm"), "this pooling")
        self.set_attention(attention)
        self.tokenizer.padding_side = "left"
        if self.tokenizer.eos_token_id is None:
            raise ValueError("its tokenizer has no EOS token; set eos_token in tokenizer_config.json")
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token = self.tokenizer.unk_token or self.tokenizer.eos_token
        self.input, self.templates, self.pool_prompt = input, templates, pool_prompt
        self.reader = input_of(self.tokenizer, input, templates, pool_prompt)

    @property
    def needs_separate_prompt(self) -> bool:
        """Return whether a text's embedding depends on its side of the task or on where its prompt ends."""
        return self.input != "plain" or not self.pool_prompt

    def longest(self, limit: int) -> int:
        """Return the largest number of tokens of a text that is truncated to `limit`, with what is added."""
        return self.reader.longest(limit) + (self.context is not None)

    def set_attention(self, attention: Attention) -> None:
        """Set the attention of the language model, whose layers must all be causal before.

        Raises ValueError if the model lacks the layers, or ignores the setting.
        """
        self.attention = attention
        # from_pretrained(..., is_causal=False) would silently drop the flag.
        self.model.config.is_causal = attention != "bidirectional"
        if not isinstance(attention, str):
            require_parts(self.model, ("layers",), "attention by layer")
            BidirectionalLayers(self.model, attention["bidirectional"])
        probe_attention(self.model, attention)

    def get_config_dict(self) -> dict[str, Any]:
        """Return the settings to save; with an adapter, also how to load its base, which is not saved."""
        settings = super().get_config_dict()
        if hasattr(self.model, "peft_config"):
            settings["model_kwargs"] = {"dtype": str(self.model.dtype).removeprefix("torch.")}
            settings["processor_kwargs"] = {"model_max_length": self.max_seq_length}
        return settings

    def save(self, output_path: str, *args: Any, **kwargs: Any) -> None:
        """Write the language model, or its adapter, and the contextual token to a folder."""
        super().save(output_path, *args, **kwargs)
        if self.context is not None:
            self.context.save(output_path, *args, **kwargs)

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", **kwargs: Any) -> "Backbone":
        """Return the backbone that `save` wrote: a language model, or an adapter and its base.

        The base is loaded in the revision and precision of the training; transformers would take the newest
        revision, in the precision of its files.
        """
        hub: dict[str, Any] = {key: kwargs.get(key) for key in ("token", "cache_folder", "revision")}
        hub |= {"subfolder": subfolder, "local_files_only": kwargs.get("local_files_only", False)}
        context = ContextualToken.load_beside(model_name_or_path, **hub)
        adapter = cls.load_file_path(model_name_or_path, "adapter_config.json", **hub)
        if adapter is None:
            own = {"init_defaults": {"context": context}}
            return super().load(model_name_or_path, subfolder=subfolder, **kwargs, **own)
        weights = cls.load_file_path(model_name_or_path, "adapter_model.safetensors", **hub)
        base = json.loads(Path(adapter).read_text(encoding="utf-8"))
        settings = cls.saved_settings(model_name_or_path, subfolder=subfolder, **kwargs)
        for name in HUB_SETTINGS:
            settings[name] |= {"revision": base["revision"], "subfolder": ""}
        backbone = cls(base["base_model_name_or_path"], context=context, **settings)
        report = backbone.model.load_adapter(str(Path(weights).parent))
        missing, mismatched = (getattr(report, f"{kind}_keys", ()) for kind in ("missing", "mismatched"))
        require_all_weights("the adapter", missing, mismatched)
        return backbone

    def preprocess(
        self, inputs: Sequence[str], prompt: str | None = None, task: str | None = None, **kwargs: Any
    ) -> dict[str, Tensor]:
        """Return input_ids and attention_mask of texts, (batch, tokens), and a pooling_mask if it is needed.

        The first real token holds the place of the contextual token, if there is one; what its encoder reads
        is added. The prompt comes before the text, with no separator. task: "query" or "document", for inputs
        with a template for each; default: query. EOS survives truncation. Only the mask identifies padding,
        as its token may be EOS.
        """
        limit = kwargs.get("max_length") or self.max_seq_length
        side = "document" if task == "document" else "query"
        rows = self.reader.rows(inputs, prompt or "", side, limit)
        if self.context is not None:
            rows = [row.after(self.tokenizer.pad_token_id) for row in rows]
        features = dict(self.tokenizer.pad({"input_ids": [row.ids for row in rows]}, return_tensors="pt"))
        if self.context is not None:
            features |= self.context.read([f"{prompt or ''}{text}" for text in inputs], limit)
        if self.needs_separate_prompt or self.context is not None:
            features["pooling_mask"] = pooling_mask(
                rows, features["attention_mask"], self.tokenizer.padding_side
            )
        return features

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Add token_embeddings (batch, tokens, dim) and, if asked, layer_embeddings (batch, layers, dim).

        The language model runs texts of similar length together, whatever the order of the batch.
        """
        vectors = None if self.context is None else self.context(features)
        read = {name: value for name, value in features.items() if name not in (IDS, MASK)}
        chunks = chunks_by_length(features["attention_mask"])
        width = features["attention_mask"].shape[1]
        token_states, layer_states = [], []
        for chunk in chunks:
            own = chunk.cut(read)
            if vectors is not None:
                self._put_first(own, vectors[chunk.rows])
            tokens, layers = self._states(own, **kwargs)
            token_states.append(F.pad(tokens, (0, 0, chunk.start, width - chunk.stop)))
            layer_states.append(layers)
        order = original_order(chunks)
        features["token_embeddings"] = torch.cat(token_states)[order]
        if self.layer_tokens is not None:
            features["layer_embeddings"] = torch.cat(layer_states)[order]
        return features

    def _put_first(self, features: dict[str, Any], vectors: Tensor) -> None:
        """Replace the token ids by their embeddings, and those of the placeholders by `vectors`."""
        embeddings = self.model.get_input_embeddings()(features.pop("input_ids"))
        features["inputs_embeds"] = with_first(embeddings, vectors, features["attention_mask"])

    def _states(self, features: dict[str, Any], **kwargs: Any) -> tuple[Tensor, Tensor | None]:
        read = {name: value for name, value in features.items() if name != "pooling_mask"}
        if self.layer_tokens is None:
            return super().forward(read, **kwargs)["token_embeddings"], None
        with LayerStates(self.model, self.layer_tokens, pooled_tokens(features), self.layers) as states:
            return super().forward(read, **kwargs)["token_embeddings"], states.stacked()


class LayerStates:
    """Collects one token state of each chosen layer while the model runs, to keep no layer's other states.

    Layers 1..L-1 are taken before the final norm and layer L after it, as in `output_hidden_states`.
    layers: numbers, from 1, of those to collect; None: all.
    """

    def __init__(self, model: nn.Module, tokens: str, mask: Tensor, layers: Sequence[int] | None = None):
        sources = dict(enumerate([*model.layers[:-1], model.norm], start=1))
        self.sources = {layer: sources[layer] for layer in layers or sources}
        self.pool_tokens = TOKEN_POOLINGS[tokens]
        self.mask = mask
        self.states: dict[int, Tensor] = {}

    def __enter__(self) -> "LayerStates":
        self.hooks = [
            source.register_forward_hook(self._keep(layer)) for layer, source in self.sources.items()
        ]
        return self

    def __exit__(self, *error: object) -> None:
        for hook in self.hooks:
            hook.remove()

    def stacked(self) -> Tensor:
        """Return the states, (batch, layers, dim)."""
        return torch.stack([self.states[layer] for layer in self.sources], dim=1)

    def _keep(self, layer: int):
        def hook(module: nn.Module, arguments: tuple, output: Tensor | tuple) -> None:
            hidden = output[0] if isinstance(output, tuple) else output  # (batch, tokens, dim)
            self.states[layer] = self.pool_tokens(hidden, self.mask)

        return hook


def require_parts(model: nn.Module, parts: Sequence[str], needed_by: str) -> None:
    """Raise ValueError if a language model does not have parts of these names."""
    if not all(hasattr(model, part) for part in parts):
        named = " and ".join(f"`{part}`" for part in parts)
        raise ValueError(f"{type(model).__name__} has no {named}, which {needed_by} needs")
