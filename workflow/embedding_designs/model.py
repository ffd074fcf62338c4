"""Builds, saves and loads the embedding model of a run: backbone, pooling, L2 normalisation."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize

from . import gpus
from .command import BadInput
from .designs import layer_numbers
from .modules.backbone import Backbone
from .modules.poolings import POOLINGS

MODULES = f"{__package__}.modules."
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
        model_kwargs={"dtype": PRECISIONS[precision], "use_safetensors": True, **hub},
        processor_kwargs={"model_max_length": max_tokens, **hub},
        config_kwargs=hub,
    )
    if pooling_class.reads_layers:
        settings["layers"] = backbone.layers = _layers(design, backbone.config.num_hidden_layers)
    pooling = pooling_class(dimension=backbone.get_embedding_dimension(), **settings)
    modules = [backbone, pooling, Normalize()]
    return SentenceTransformer(modules=modules, similarity_fn_name="cosine", device=device())


def _layers(design: dict[str, Any], count: int) -> list[int]:
    try:
        return layer_numbers(design["pooling"].get("layers", "all"), count)
    except ValueError as error:
        raise BadInput(f"designs.{design.get('name', '?')}.pooling.layers {error}") from None


def device() -> str:
    """Return where models run: a CUDA GPU if there is one, else the CPU.

    Raises BadInput where there is a GPU that torch cannot use: days on the CPU are nobody's wish.
    """
    if torch.cuda.is_available():
        return "cuda"
    gpus.refuse_unused_ones(torch.__version__)
    return "cpu"


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


def save_model(model: SentenceTransformer, folder: Path) -> None:
    """Write a model to a folder that loads where only Sentence Transformers is installed.

    The modules' code is put beside the weights, and modules.json names it there; it loads with
    `trust_remote_code=True`. An adapter on a base of this machine names the base by its absolute path, so
    that it loads from every working directory.
    """
    for adapter in getattr(model[0].model, "peft_config", {}).values():
        base = Path(adapter.base_model_name_or_path)
        adapter.base_model_name_or_path = str(base.resolve() if base.is_dir() else base)
    model.save_pretrained(str(folder), create_model_card=False)
    for file in (Path(__file__).parent / "modules").glob("*.py"):
        if file.name != "__init__.py":
            shutil.copy(file, folder)
    table = json.loads((folder / "modules.json").read_text())
    for module in table:
        module["type"] = module["type"].removeprefix(MODULES)
    (folder / "modules.json").write_text(json.dumps(table, indent=2) + "\n")


def load_model(path: str | Path) -> SentenceTransformer:
    """Return a model that training saved to a folder.

    With this package's module classes, not with the copies of their code in the folder: transformers would
    copy that to a cache that all processes share, and two of them at once could meet it half written.
    """
    return SentenceTransformer._load_with_module_classes(
        str(path), _module_classes(), device=device(), trust_remote_code=True, local_files_only=True
    )


def _module_classes() -> dict[str, type]:
    """Return our module classes by their names in the modules.json of a saved model."""
    return {
        f"{module.__module__}.{module.__name__}".removeprefix(MODULES): module
        for module in (Backbone, *POOLINGS.values())
    }
