"""Builds, saves and loads the embedding model of a run: backbone, pooling, L2 normalisation."""

import contextlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import HFValidationError
from peft.tuners.tuners_utils import BaseTunerLayer
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize

from .. import modules as module_package
from ..common import gpus
from ..common.command import note
from ..common.errors import BadInput
from ..common.json_files import read_json
from ..modules.backbone import Backbone
from ..modules.loading import some
from ..modules.poolings import POOLINGS
from ..study.base_folder import asked_by_base, check_base_folder
from ..study.designs import layer_numbers
from .base_checks import check_backbone, in_one_line

MODULES = f"{module_package.__name__}."
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
HEADS = (
    "lm_head",
    "score",
    "classifier",
    "qa_outputs",
    "embed_out",
)  # task heads, which an embedding model does not need


def build_model(
    base: str | Path,
    design: dict[str, Any],
    max_seq_length: int,
    precision: str = "fp32",
    asked_by: str | None = None,
    trust_remote_code: bool = False,
    **hub: Any,
) -> SentenceTransformer:
    """Return an untrained embedding model of one design on one base model.

    base: folder or hub name of a language model; design: {"attention": …, "pooling": {"kind": …, …}};
    precision: of the backbone's weights, "fp32" or "bf16" (the pooling is always fp32); asked_by: the key
    that names the base, for errors; trust_remote_code: run the base's Python files; hub: its revision.
    Randomness is the caller's: seed it first. Raises BadInput where the base cannot be used.
    """
    settings = dict(design["pooling"])
    pooling_class = POOLINGS[settings.pop("kind")]
    with in_one_line(asked_by or str(base)):
        backbone = Backbone(
            str(base),
            attention=design["attention"],
            layer_tokens=settings["tokens"] if pooling_class.reads_layers else None,
            base_code=trust_remote_code,
            model_kwargs={"dtype": PRECISIONS[precision], "use_safetensors": True, **hub},
            processor_kwargs={"model_max_length": max_seq_length, **hub},
            config_kwargs=hub,
        )
        check_backbone(backbone, max_seq_length)
    if unused := [name for name in backbone.unused_weights if not name.startswith(HEADS)]:
        note(f"{asked_by or base}: {len(unused)} tensors not used: {some(unused)} (not in the model)")
    if pooling_class.reads_layers:
        settings["layers"] = backbone.layers = _layers(design, backbone.config.num_hidden_layers)
    pooling = pooling_class(dimension=backbone.get_embedding_dimension(), **settings)
    modules = [backbone, pooling, Normalize()]
    return SentenceTransformer(modules=modules, similarity_fn_name="cosine", device=device())


def base_arguments(base: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `build_model` for a base, from its config, after checking its files.

    Raises BadInput that names the file that is missing or corrupt.
    """
    hub = {key: settings[key] for key in ("revision", "trust_remote_code") if settings.get(key)}
    folder = _folder_of(base, hub.get("revision"))
    if folder and (fault := check_base_folder(settings["name"], settings, folder)):
        raise BadInput(fault)
    asked_by = asked_by_base(settings["name"], settings, base)
    if folder and (folder / "modules.json").exists():
        note(f"{asked_by}: an embedding model; only its language model is used, not its pooling and prompts")
    return {"base": base, "precision": settings["precision"], "asked_by": asked_by, **hub}


def _folder_of(base: str, revision: str | None) -> Path | None:
    """Return the folder of a base, for a hub model in the hub's cache; None if it is not on this machine."""
    if Path(base).exists():
        return Path(base)
    with contextlib.suppress(HFValidationError):  # neither a folder nor a name on a hub
        config = try_to_load_from_cache(base, "config.json", revision=revision)
        return Path(config).parent if isinstance(config, str) else None
    return None


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
    for file in Path(module_package.__file__).parent.glob("*.py"):
        if file.name != "__init__.py":
            shutil.copy(file, folder)
    table = json.loads((folder / "modules.json").read_text())
    for module in table:
        module["type"] = module["type"].removeprefix(MODULES)
    (folder / "modules.json").write_text(json.dumps(table, indent=2) + "\n")


def load_model(path: str | Path) -> SentenceTransformer:
    """Return a model that training saved to a folder, or one of Sentence Transformers' own modules.

    Uses this package's module classes, not the copies of their code in the folder: transformers would copy
    those to a cache that processes share, where one could read a half-written file. The base's code runs only
    if training was allowed to run it. Raises BadInput where a file is corrupt.
    """
    path = Path(path)
    table = read_json(path / "modules.json")
    with in_one_line(str(path)):
        if table[0]["type"].startswith("sentence_transformers."):  # ours start with Backbone
            return SentenceTransformer(str(path), device=device(), local_files_only=True)
    settings = read_json(path / "config_sentence_transformers.json", ["prompts"])
    classes = _module_classes()
    with in_one_line(str(path)):
        modules = [
            classes[module["type"].removeprefix(MODULES)].load(
                str(path), subfolder=module["path"], local_files_only=True, trust_remote_code=True
            )
            for module in table
        ]
    return SentenceTransformer(
        modules=modules,
        device=device(),
        **{name: settings.get(name) for name in ("similarity_fn_name", "prompts", "default_prompt_name")},
    )


def _module_classes() -> dict[str, Any]:
    """Return the classes of our models' modules by their names in the modules.json of a saved model."""
    return {
        f"{module.__module__}.{module.__name__}".removeprefix(MODULES): module
        for module in (Backbone, *POOLINGS.values(), Normalize)
    }
