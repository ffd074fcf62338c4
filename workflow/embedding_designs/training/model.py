"""The model of a run, from its config to its folder: built, given an adapter, merged, saved and loaded."""

import contextlib
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from peft.tuners.tuners_utils import BaseTunerLayer
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize

from .. import modules as module_package
from ..common.atomic_writes import atomic
from ..common.command import note
from ..common.errors import BadInput
from ..common.json_files import read_json
from ..modules.backbone import Backbone
from ..modules.contextual import ContextualToken
from ..modules.loading import some
from ..modules.poolings import POOLINGS, FirstDimensions, Pooling, pooling_of
from ..study.designs import attention_on, layer_numbers, parts_of, too_many_dimensions, trained_dimensions
from ..study.run_config import RunConfig
from .base_checks import (
    base_arguments,
    check_backbone,
    check_lora_targets,
    check_positions,
    check_token_ids,
    in_one_line,
)
from .lora import use_fused_layers
from .processes import device

MODULES = f"{module_package.__name__}."
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
INPUT_KEYS = ("input", "templates", "pool_prompt")  # of a design; without them, texts are read unchanged
HEADS = ("lm_head", "score", "classifier", "qa_outputs", "embed_out")  # not needed by an embedding model


def untrained_model(config: RunConfig, base: str, encoder: str | None = None) -> SentenceTransformer:
    """Return the model of a run before training, with its LoRA adapter if the run has one.

    base: folder or hub name of the base model; encoder: that of the contextual token's encoder, if the design
    has one; default: its `model`. Randomness is the caller's: seed it first.
    """
    length = config.training["max_seq_length"]
    own = base_arguments(base, config.base)
    model = build_model(design=config.design, max_seq_length=length, encoder=encoder, **own)
    if config.lora:
        add_adapter(model, config)
    return model


def build_model(
    base: str | Path,
    design: dict[str, Any],
    max_seq_length: int,
    precision: str = "fp32",
    asked_by: str | None = None,
    trust_remote_code: bool = False,
    encoder: str | None = None,
    **hub: Any,
) -> SentenceTransformer:
    """Return an untrained embedding model, backbone, pooling and L2 normalization, without an adapter.

    base: folder or hub name of a language model; design: {"attention": …, "pooling": {"kind": …, …}} and, if
    texts are not read unchanged, INPUT_KEYS, and `contextual`, the settings of an encoder; precision: of the
    backbone's weights, "fp32" or "bf16" (the pooling is always fp32); asked_by: the key that names the base,
    for errors; trust_remote_code: run the base's Python files; encoder: folder or hub name of the encoder;
    default: its `model`; hub: the base's revision.
    Randomness is the caller's: seed it first. Raises BadInput if the base cannot be used.
    """
    reading = next((part for part in parts_of(design["pooling"]).values() if reads_layers(part)), None)
    with in_one_line(asked_by or str(base)):
        backbone = Backbone(
            str(base),
            attention=design["attention"] if isinstance(design["attention"], str) else "causal",
            layer_tokens=reading["tokens"] if reading else None,
            **{key: design[key] for key in INPUT_KEYS if key in design},
            base_code=trust_remote_code,
            model_kwargs={"dtype": PRECISIONS[precision], "use_safetensors": True, **hub},
            processor_kwargs={"model_max_length": max_seq_length, **hub},
            config_kwargs=hub,
        )
        check_backbone(backbone, max_seq_length)
        if not isinstance(design["attention"], str):
            backbone.set_attention(_attention(design, backbone.config.num_hidden_layers))
    if "contextual" in design:
        width = backbone.get_embedding_dimension()
        backbone.context = contextual_token(design["contextual"], encoder, width, precision)
        with in_one_line(asked_by or str(base)):
            check_positions(backbone, max_seq_length)
    if unused := [name for name in backbone.unused_weights if not name.startswith(HEADS)]:
        note(f"{asked_by or base}: {len(unused)} tensors not used: {some(unused)} (not in the model)")
    settings = design["pooling"]
    if reading:
        backbone.layers = _layers(design, reading, backbone.config.num_hidden_layers)
        settings = with_layers(settings, backbone.layers)
    pooling = pooling_of(settings, backbone.get_embedding_dimension())
    modules = [backbone, pooling, *_cut_to_size(design, pooling), Normalize()]
    return SentenceTransformer(modules=modules, similarity_fn_name="cosine", device=device())


def contextual_token(
    settings: Mapping[str, Any], encoder: str | None, width: int, precision: str
) -> ContextualToken:
    """Return a contextual token with a new projection to a backbone of this width.

    settings: of its encoder, as in the study; encoder: the folder or hub name to load it from; default: its
    `model`. Raises BadInput if it cannot be used.
    """
    own = base_arguments(encoder or settings["model"], {**settings, "precision": precision})
    hub = {"revision": own["revision"]} if "revision" in own else {}
    with in_one_line(own["asked_by"]):
        token = ContextualToken(
            own["base"],
            width=width,
            model_kwargs={"dtype": PRECISIONS[precision], "use_safetensors": True, **hub},
            processor_kwargs=dict(hub),
            config_kwargs=dict(hub),
        )
        check_token_ids(token)
    return token


def reads_layers(pooling: Mapping[str, Any]) -> bool:
    """Return whether a pooling with these settings reads the states of layers; it is not a concatenation."""
    return POOLINGS[pooling["kind"]].reads_layers


def with_layers(pooling: Mapping[str, Any], layers: list[int]) -> dict[str, Any]:
    """Return the settings of a pooling with the numbers of the layers that it, or its part, reads."""
    parts = {
        key: {**part, "layers": layers} if reads_layers(part) else part
        for key, part in parts_of(pooling).items()
    }
    return dict(parts[""]) if "" in parts else {**pooling, **parts}


def _cut_to_size(design: dict[str, Any], pooling: Pooling) -> list[FirstDimensions]:
    """Return the module that truncates embeddings to the largest trained size, if the design sets one."""
    if problem := too_many_dimensions(design, pooling.get_embedding_dimension()):
        raise BadInput(f"designs.{design.get('name', '?')}.{problem}")
    return [FirstDimensions(size) for size in trained_dimensions(design)[:1]]


def _attention(design: dict[str, Any], count: int) -> str | dict[str, list[int]]:
    try:
        return attention_on(design["attention"], count)
    except ValueError as error:
        raise BadInput(f"designs.{design.get('name', '?')}.attention.bidirectional {error}") from None


def _layers(design: dict[str, Any], pooling: Mapping[str, Any], count: int) -> list[int]:
    try:
        return layer_numbers(pooling.get("layers", "all"), count)
    except ValueError as error:
        raise BadInput(f"designs.{design.get('name', '?')}.pooling.layers {error}") from None


def add_adapter(model: SentenceTransformer, config: RunConfig) -> None:
    """Put the run's LoRA adapter on the backbone; only the adapter and the pooling are then trained.

    So is the projection of a contextual token; its encoder is not.
    """
    lora, asked_by = config.lora, f"bases.{config.base['name']}: lora.target_modules"
    check_lora_targets(model, lora["target_modules"], asked_by)
    model.add_adapter(
        LoraConfig(
            r=lora["rank"],
            lora_alpha=lora["alpha"],
            lora_dropout=lora["dropout"],
            target_modules=lora["target_modules"],
            task_type="FEATURE_EXTRACTION",
            revision=config.base.get("revision"),  # of the base
        )
    )
    use_fused_layers(model[0].model)
    if model[0].context is not None:
        model[0].context.freeze()


def merge_adapter(model: SentenceTransformer) -> None:
    """Add the weights of the model's LoRA adapter to those of its backbone, and drop the adapter."""
    backbone = model[0].model
    for name, module in list(backbone.named_modules()):
        if isinstance(module, BaseTunerLayer):
            module.merge()
            parent, _, child = name.rpartition(".")
            setattr(backbone.get_submodule(parent), child, module.get_base_layer())
    backbone.delete_adapter(list(backbone.peft_config))  # or save_pretrained would write an adapter only


def finish_model(model: SentenceTransformer, config: RunConfig) -> None:
    """Prepare a trained model for saving: set the size of its embeddings, merge its adapter if asked to."""
    if "dimensions" in config.design:
        model[2].dimensions = config.design["dimensions"]
    if config.lora.get("save") == "merged":
        merge_adapter(model)


def save_run(model: SentenceTransformer, config: RunConfig, output: Path) -> None:
    """Write the folder of a finished model atomically, with the run config in it."""
    with atomic(output) as part, separate_storage(model):
        save_model(model, part)
        text = json.dumps(config.to_json(), indent=2) + "\n"
        (part / "run_config.json").write_text(text, encoding="utf-8")


def save_model(model: SentenceTransformer, folder: Path) -> None:
    """Write a model to a folder that loads with only Sentence Transformers installed.

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


@contextlib.contextmanager
def separate_storage(model: torch.nn.Module) -> Iterator[None]:
    """Give each weight its own memory in this context: DeepSpeed's single block cannot be saved."""
    shared = {
        parameter: parameter.data
        for parameter in model.parameters()
        if parameter.untyped_storage().nbytes() > parameter.nbytes
    }
    for parameter, data in shared.items():
        parameter.data = data.clone()
    yield
    for parameter, data in shared.items():
        parameter.data = data


def load_model(path: str | Path) -> SentenceTransformer:
    """Return a model that training saved to a folder, or one of Sentence Transformers' own modules.

    Uses this package's module classes, not the copies of their code in the folder: transformers would copy
    those to a cache that processes share, and one could read a half-written file. The base's code runs only
    if training was allowed to run it. Raises BadInput if a file is corrupt.
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
        for module in (Backbone, *POOLINGS.values(), FirstDimensions, Normalize)
    }
