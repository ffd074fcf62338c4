"""Makes an ordinary transformers folder from a GGUF file: safetensors in bf16, configuration, tokenizer."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GgufConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

from ..common.atomic_writes import atomic
from ..common.errors import BadInput, is_full_disk, reason
from .hub import no_space


def convert(gguf: Path, folder: Path, asked_by: str) -> None:
    """Write a folder from a GGUF file, atomically; BadInput where it is not a decoder with an EOS token.

    Its weights are what the quantization left of the original ones, rounded to bf16.
    """
    with in_one_line(asked_by, gguf.name):
        config = AutoConfig.from_pretrained(gguf.parent, gguf_file=gguf.name)
        if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
            raise BadInput(
                f"{asked_by}: {gguf.name} is a {config.model_type}; expected a decoder-only language model"
            )
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        if tokenizer.eos_token_id is None:
            raise BadInput(
                f"{asked_by}: the tokenizer in {gguf.name} has no EOS token; choose a file that has one"
            )
        model = dequantized(gguf, config)
        with atomic(folder) as part:
            model.save_pretrained(part)
            tokenizer.save_pretrained(part)


def dequantized(gguf: Path, config):
    """Return the model in a GGUF file, in bf16, without the quantization that keeps it from being saved."""
    loaded = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        gguf_file=gguf.name,
        dtype=torch.bfloat16,
        quantization_config=GgufConfig(dequantize=True),
    )
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.load_state_dict(loaded.state_dict())
    return model


@contextlib.contextmanager
def in_one_line(asked_by: str, file: str) -> Iterator[None]:
    """Raise BadInput in place of what transformers and the disk raise."""
    try:
        yield
    except (BadInput, MemoryError):
        raise
    except Exception as error:
        if is_full_disk(error):
            raise BadInput(f"{asked_by}: {no_space(file)}") from error
        failure = f"{type(error).__name__}: {reason(error)}"
        raise BadInput(f"{asked_by}: transformers cannot read {file}: {failure}") from error
