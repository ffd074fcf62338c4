"""Builds and loads the embedding model of a run: backbone, pooling, L2 normalisation."""

from pathlib import Path
from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize

from .modules.backbone import Backbone
from .modules.poolings import POOLINGS

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


def build_model(
    base: str | Path, design: dict[str, Any], max_tokens: int, precision: str = "fp32", **hub: Any
) -> SentenceTransformer:
    """Return an untrained embedding model of one design on one base model.

    base: folder or hub name of a language model; design: {"attention": …, "pooling": {"kind": …, …}};
    precision: of the backbone's weights, "fp32" or "bf16" (the pooling is always fp32);
    hub: revision, trust_remote_code. Randomness is the caller's: seed it first.
    """
    settings = dict(design["pooling"])
    pooling_class = POOLINGS[settings.pop("kind")]
    backbone = Backbone(
        str(base),
        attention=design["attention"],
        layer_tokens=settings["tokens"] if pooling_class.reads_layers else None,
        model_kwargs={"dtype": PRECISIONS[precision], **hub},
        processor_kwargs={"model_max_length": max_tokens, **hub},
        config_kwargs=hub,
    )
    if pooling_class.reads_layers:
        settings["layers"] = backbone.config.num_hidden_layers
    pooling = pooling_class(dimension=backbone.get_embedding_dimension(), **settings)
    modules = [backbone, pooling, Normalize()]
    return SentenceTransformer(modules=modules, similarity_fn_name="cosine", device=device())


def device() -> str:
    """Return where models run: a CUDA GPU if there is one, else the CPU."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def merge_adapter(model: SentenceTransformer) -> None:
    """Add the weights of the model's LoRA adapter to those of its backbone, and drop the adapter."""
    backbone = model[0].model
    for name, module in list(backbone.named_modules()):
        if isinstance(module, BaseTunerLayer):
            module.merge()
            parent, _, child = name.rpartition(".")
            setattr(backbone.get_submodule(parent), child, module.get_base_layer())
    backbone._hf_peft_config_loaded = False  # or save_pretrained would write an adapter only
    del backbone.peft_config


def load_model(path: str | Path) -> SentenceTransformer:
    """Return a model that training saved to a folder."""
    return SentenceTransformer(str(path), device=device(), trust_remote_code=True, local_files_only=True)
