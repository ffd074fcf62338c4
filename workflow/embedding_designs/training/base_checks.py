"""Checks a base, its files and then the loaded model; each failure is one line that says what is needed."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import HFValidationError
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES
from transformers.pytorch_utils import Conv1D

from ..common.command import note
from ..common.errors import BadInput, is_full_disk
from ..modules.backbone import Backbone
from ..modules.loading import CheckedTransformer
from ..study.base_folder import asked_by_base, check_base_folder


def base_arguments(base: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `build_model` for a base, from its config, after checking its files.

    Raises BadInput that names the file that is missing or corrupt.
    """
    hub = {key: settings[key] for key in ("revision", "trust_remote_code") if settings.get(key)}
    if Path(base).is_dir():
        hub.pop("revision", None)  # of the GGUF file on the hub that the folder was made from
    folder = folder_of(base, hub.get("revision"))
    if folder and (fault := check_base_folder(settings["name"], settings, folder)):
        raise BadInput(fault)
    asked_by = asked_by_base(settings["name"], settings, base)
    if folder and (folder / "modules.json").exists():
        note(f"{asked_by}: an embedding model; only its language model is used, not its pooling and prompts")
    return {"base": base, "precision": settings["precision"], "asked_by": asked_by, **hub}


def folder_of(base: str, revision: str | None) -> Path | None:
    """Return the folder of a base, for a hub model in the hub's cache; None if it is not on this machine."""
    if Path(base).exists():
        return Path(base)
    with contextlib.suppress(HFValidationError):  # neither a folder nor a name on a hub
        config = try_to_load_from_cache(base, "config.json", revision=revision)
        return Path(config).parent if isinstance(config, str) else None
    return None


@contextlib.contextmanager
def in_one_line(asked_by: str) -> Iterator[None]:
    """Raise BadInput in place of the errors that transformers raises when it cannot load a model."""
    try:
        yield
    except (BadInput, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        if is_full_disk(error):
            raise
        reason = " ".join(str(error).split())
        if "trust_remote_code" in reason:
            of_encoder = asked_by.startswith("encoders.")
            runs = "never runs" if of_encoder else "runs only with trust_remote_code: true"
            reason = f"its architecture is Python code in its folder, which {runs}"
        if not isinstance(error, ValueError | OSError):
            reason = f"cannot be loaded: {type(error).__name__}: {reason}"
        raise BadInput(f"{asked_by}: {reason[:400]}") from error


def check_backbone(backbone: Backbone, max_seq_length: int) -> None:
    """Raise ValueError if a loaded base is an encoder or cannot read texts of `max_seq_length` tokens."""
    if backbone.config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        raise ValueError(
            f"{backbone.config.model_type} is an encoder; expected a decoder-only language model"
        )
    check_token_ids(backbone)
    check_positions(backbone, max_seq_length)


def check_token_ids(module: CheckedTransformer) -> None:
    """Raise ValueError if a loaded model has no embedding for a token of its tokenizer."""
    embedded, tokenizer = module.model.get_input_embeddings().num_embeddings, module.tokenizer
    added = tokenizer.added_tokens_encoder  # some have no embedding, but texts rarely contain them
    numbers = [number for token, number in tokenizer.get_vocab().items() if token not in added]
    special = [number for number in (tokenizer.eos_token_id, tokenizer.pad_token_id) if number is not None]
    if (largest := max([*numbers, *special])) >= embedded:
        raise ValueError(
            f"its tokenizer has token ids up to {largest}, but it has only {embedded} embeddings"
        )


def check_positions(module: Transformer, max_seq_length: int) -> None:
    """Raise ValueError if a model has fewer learned positions than a text of `max_seq_length` takes.

    module: a Backbone, or the Transformer of another Sentence Transformers model.
    """
    positions = getattr(module.config, "max_position_embeddings", max_seq_length)
    embeddings = [part for part in module.model.modules() if isinstance(part, torch.nn.Embedding)]
    longest = module.longest(max_seq_length) if isinstance(module, Backbone) else max_seq_length
    if len(embeddings) > 1 and longest > positions:
        read = ""
        if isinstance(module, Backbone) and longest != max_seq_length:
            how = "with a contextual token" if module.input == "plain" else f"by input {module.input}"
            read = f" (read as {longest} tokens {how})"
        raise ValueError(f"max_seq_length {max_seq_length}{read} exceeds its {positions} positions")


def check_lora_targets(model: SentenceTransformer, targets: Sequence[str], asked_by: str) -> None:
    """Raise BadInput if a name of `lora.target_modules` matches no layer that an adapter can be put on."""
    kinds = (torch.nn.Linear, torch.nn.Embedding, Conv1D)
    layers = [f".{name}" for name, module in model[0].model.named_modules() if isinstance(module, kinds)]
    missing = [target for target in targets if not any(layer.endswith(f".{target}") for layer in layers)]
    if missing:
        known = ", ".join(sorted({layer.rpartition(".")[2] for layer in layers}))
        raise BadInput(f"{asked_by} {', '.join(missing)}: not a layer of the base; choose from {known}")
