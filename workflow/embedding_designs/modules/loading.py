"""Loads a language model, refuses damaged weights, and removes references to code from its settings."""

from collections.abc import Collection, Sequence
from typing import Any

from sentence_transformers.base.modules import Transformer
from torch import nn

HUB_SETTINGS = ("model_kwargs", "processor_kwargs", "config_kwargs")  # arguments of a Transformer


class CheckedTransformer(Transformer):
    """Sentence Transformers' Transformer, whose weights come from its files, all of them and finite.

    Of the modules only this class uses private names of Sentence Transformers and transformers: no public
    name gives the report on missing weights, nor the settings that `Transformer.load` builds a model from.
    unneeded: beginnings of the names of weights that may be missing.
    Raises ValueError if weights are missing, of another shape or not finite.
    """

    unneeded: tuple[str, ...] = ()

    def _load_config(self, *arguments: Any, **kwargs: Any) -> tuple[Any, bool]:
        """Return the settings, without the kernel of attention that they may name: code from a hub."""
        config, is_adapter = super()._load_config(*arguments, **kwargs)
        config._attn_implementation = None
        return config, is_adapter

    def _load_model(self, *arguments: Any, **kwargs: Any) -> nn.Module:
        """Return the language model; the names of weights that it does not use are in `unused_weights`."""
        asked = {"output_loading_info": True, "ignore_mismatched_sizes": True}
        model, report = super()._load_model(*arguments, **kwargs, **asked)
        missing = [name for name in report["missing_keys"] if not name.startswith(self.unneeded)]
        require_all_weights(type(model).__name__, missing, report["mismatched_keys"])
        require_finite_weights(model)
        self.unused_weights = sorted(report["unexpected_keys"])
        return model

    @classmethod
    def saved_settings(cls, model_name_or_path: str, **kwargs: Any) -> dict[str, Any]:
        """Return the arguments with which a saved module is built again."""
        return cls._load_init_kwargs(model_name_or_path, **kwargs)


def require_all_weights(
    model: str, missing: Collection[str], mismatched: Collection[tuple[str, Sequence[int], Sequence[int]]]
) -> None:
    """Raise ValueError that names weights left random, because files lack them or have another shape."""
    if missing:
        raise ValueError(f"its safetensors lack {len(missing)} tensors of {model}: {some(sorted(missing))}")
    shapes = [f"{name} {list(found)}, not {list(needed)}" for name, found, needed in sorted(mismatched)]
    if shapes:
        raise ValueError(f"{len(shapes)} of its tensors do not fit its config.json: {some(shapes)}")


def require_finite_weights(model: nn.Module) -> None:
    """Raise ValueError that names the first tensor that is not finite."""
    for name, weights in model.state_dict().items():
        if not weights.isfinite().all():
            raise ValueError(f"its tensor {name} has numbers that are not finite")


def some(names: Sequence[str], count: int = 3) -> str:
    """Return the first names of a list, for a message."""
    return ", ".join(names[:count]) + (", …" if len(names) > count else "")


def keep_code_references(model: nn.Module, tokenizer: Any, kept: Sequence[str]) -> None:
    """Remove references to Python code (`auto_map`) from a model's settings, except for `kept` classes.

    Their code is saved beside the weights; other code would come from a hub model's newest revision.
    """
    configs = [model.config, *(getattr(model.config, name, None) for name in model.config.sub_configs)]
    for settings in [*(vars(config) for config in configs if config is not None), tokenizer.init_kwargs]:
        references = settings.pop("auto_map", None) or {}
        if references := {name: references[name] for name in kept if name in references}:
            settings["auto_map"] = references
