"""Checks the files of a base model before anything is loaded: configuration, tokenizer, safetensors.

Needs neither torch nor transformers, so that a study can be checked before its first job.
"""

import json
from collections.abc import Iterator, Mapping
from math import prod
from operator import index
from pathlib import Path
from typing import Any

from ..common.errors import BadInput
from ..common.json_files import read_json, read_object

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
ADAPTER = "adapter_config.json"
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "*.tiktoken", "spiece.model")
HOLDS_AN_ADAPTER = f"contains an adapter ({ADAPTER}); merge it into its base model first, or use that model"
OTHER_WEIGHTS = {  # weights that a folder may have instead of model.safetensors, and why they cannot be used
    "*.gguf": "which needs the key gguf_file",
    "*.bin": "which can run arbitrary code when loaded",
    "*.pt": "which can run arbitrary code when loaded",
    "*.pth": "which can run arbitrary code when loaded",
    "*.ckpt": "which can run arbitrary code when loaded",
    "*.h5": "which is for TensorFlow",
    "*.msgpack": "which is for Flax",
    "*.safetensors": "a name that transformers does not look for",
}
EXPECTED = {  # by kind
    "base": "a decoder-only language model",
    "encoder": "an encoder or a decoder-only language model",
}
LONGEST_HEADER = 100_000_000  # bytes; the limit of the safetensors library
MODULES = Path(__file__).parents[1] / "modules"


def check_base_folder(name: str, base: Mapping[str, Any], folder: str | Path | None = None) -> str | None:
    """Return one line about a missing or corrupt file in the folder of a base, or None.

    base: its entry in the study; folder: where its files are; default: its `model`. Returns None for the name
    of a hub model and for a base to pretrain.
    """
    if folder is None and "model" not in base:
        return None
    in_gguf, folder = folder is None and gguf_file_of(base), Path(folder or base["model"])
    asked_by = asked_by_base(name, base, folder)
    if folder.is_file():
        return f"{asked_by}: a file; expected a folder with config.json, a tokenizer and {WEIGHTS}"
    if not folder.is_dir():
        return None
    try:
        if in_gguf:
            check_gguf(folder, in_gguf)
        else:
            check_files(folder, base)
    except (BadInput, OSError) as error:
        return f"{asked_by}: {str(error).replace(f'{folder}/', '')}"
    return None


def asked_by_base(name: str, base: Mapping[str, Any], folder: str | Path = "") -> str:
    """Return the key that names a base or an encoder, with its value, for error messages."""
    key = f"{kind_of(base)}s.{name}"
    if package := base.get("package"):
        return f"{key}.package {package['name']} {package['version']}"
    return f"{key}.{'model' if 'model' in base else 'pretrain'} {base.get('model', folder)}"


def kind_of(base: Mapping[str, Any]) -> str:
    """Return what a config is of: "base", or "encoder" for that of a contextual token."""
    return base.get("kind", "base")


def gguf_file_of(base: Mapping[str, Any]) -> str | None:
    """Return the GGUF file that holds a base, by its path in the package, repository or folder; or None."""
    return base.get("gguf_file") or base.get("package", {}).get("gguf_file")


def check_gguf(folder: Path, file: str) -> None:
    """Raise BadInput where a folder has no such GGUF file."""
    if not (folder / file).is_file():
        raise BadInput(no_such_gguf(file, [path.name for path in folder.iterdir()]))
    with (folder / file).open("rb") as opened:
        if opened.read(4) != b"GGUF":
            raise BadInput(f"{file}: not a GGUF file")


def no_such_gguf(file: str, files: list[str]) -> str:
    """Return in words that a folder or repository lacks a GGUF file, and which ones it has."""
    there = ", ".join(sorted(name for name in files if name.endswith(".gguf")))
    return f"{file}: no such file; its GGUF files: {there or 'none'}"


def check_files(folder: Path, base: Mapping[str, Any]) -> None:
    """Raise BadInput that names the first file that is missing or corrupt."""
    if (folder / ADAPTER).exists():
        raise BadInput(HOLDS_AN_ADAPTER)
    config, expected = read_object(folder / "config.json", {}), EXPECTED[kind_of(base)]
    if not config.get("model_type") and not config.get("auto_map"):
        raise BadInput(f"config.json: model_type is missing; expected that of {expected}")
    if config.get("is_encoder_decoder"):
        raise BadInput(
            f"config.json: {config.get('model_type')} has an encoder and a decoder; expected {expected}"
        )
    for file in _weight_files(folder):
        check_safetensors(file)
    _check_tokenizer(folder)
    if base.get("trust_remote_code"):
        _check_code(folder, base)


def _check_tokenizer(folder: Path) -> None:
    found = [file for pattern in TOKENIZERS for file in folder.glob(pattern)]
    if not found:
        raise BadInput("tokenizer.json: no such file; save the tokenizer with tokenizer.save_pretrained")
    if (folder / "tokenizer.json").exists():
        read_json(folder / "tokenizer.json", ["model"])
    if (folder / "tokenizer_config.json").exists():
        read_object(folder / "tokenizer_config.json", {})


def _weight_files(folder: Path) -> list[Path]:
    """Return the files that transformers reads the weights from."""
    if (folder / WEIGHTS).exists():
        return [folder / WEIGHTS]
    if not (folder / INDEX).exists():
        there = instead_of_safetensors([file.name for file in folder.iterdir()])
        raise BadInput(f"{WEIGHTS} is missing; {there}; save the model with model.save_pretrained")
    shards = read_json(folder / INDEX, ["weight_map"])["weight_map"]
    if not isinstance(shards, dict) or not shards or not all(isinstance(s, str) for s in shards.values()):
        raise BadInput(f"{INDEX}: weight_map must name the file of each tensor")
    for tensor, shard in shards.items():
        if "/" in shard or not (folder / shard).is_file():
            raise BadInput(f"{INDEX}: {shard}, the file of {tensor}, is missing")
    return [folder / shard for shard in sorted(set(shards.values()))]


def instead_of_safetensors(files: list[str]) -> str:
    """Return in words which weights a folder without model.safetensors has."""
    for pattern, why in OTHER_WEIGHTS.items():
        for file in sorted(files):
            if Path(file).match(pattern):
                return f"found only {file}, {why}"
    return "found no other weights"


def check_safetensors(file: Path) -> None:
    """Raise BadInput if a file is not safetensors, or its size is not what its header describes."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if not 2 <= length <= min(size - 8, LONGEST_HEADER):
            raise BadInput(f"{file}: not a safetensors file, or truncated")
        try:
            header = json.loads(opened.read(length))
            tensors = [tensor for name, tensor in header.items() if name != "__metadata__"]
            end = max((tensor["data_offsets"][1] for tensor in tensors), default=0)
            sizes = [
                (prod(map(index, tensor["shape"])), *map(index, tensor["data_offsets"])) for tensor in tensors
            ]
            corrupt = any(stop < start or (stop > start) != (numbers > 0) for numbers, start, stop in sizes)
        except (ValueError, RecursionError, AttributeError, TypeError, KeyError, IndexError):
            raise BadInput(f"{file}: its safetensors header cannot be read") from None
    if corrupt or end != size - 8 - length:
        raise BadInput(f"{file}: has {size:,} bytes, but its header describes {8 + length + end:,}")


def _check_code(folder: Path, base: Mapping[str, Any]) -> None:
    """Raise BadInput if a trusted base uses another repository's code, or a file name of our modules."""
    for file, reference in code_references(folder):
        repository, _, _ = reference.rpartition("--")
        if repository not in ("", base.get("model")):
            raise BadInput(
                f"{file}: auto_map uses code of {repository}, which no revision pins; "
                "use a base that has its own code"
            )
    ours = {file.name for file in MODULES.glob("*.py")}
    for code in sorted(folder.rglob("*.py")):
        if code.name in ours and code.name != "__init__.py":
            raise BadInput(f"{code}: a module of the trained model has the same name; rename the file")


def code_references(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each reference of an `auto_map`, "module.Class", with the name of its file."""
    for file in sorted(folder.glob("*config*.json")):
        references = read_object(file, {}).get("auto_map") or {}
        for entry in references.values() if isinstance(references, dict) else [references]:
            for reference in entry if isinstance(entry, list) else [entry]:
                if reference:
                    yield file.name, str(reference)
