"""The run config: all that a training depends on beside its data, and run_config.json in a model folder."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from ..common.json_files import Kind, read_object
from .tuning import Choice

KINDS: dict[str, Kind] = {"base": dict, "design": dict, "seed": int, "training": dict}


@dataclass(frozen=True)
class RunConfig:
    """One base, one design, one seed and one recipe, resolved; keys and defaults are the study schema's.

    base: name, model, precision, finetuning, lora; design: name, attention, pooling, and whatever else it
    sets, with the source of its encoder; training: the recipe; tuning: if some of its settings were tuned,
    how they were chosen: a study.tuning.Choice as JSON.
    """

    base: dict[str, Any]
    design: dict[str, Any]
    seed: int
    training: dict[str, Any]
    tuning: dict[str, Any] | None = None

    @property
    def run(self) -> str:
        """Return what messages call the run: its design and seed."""
        return f"{self.design['name']} seed{self.seed}"

    @property
    def lora(self) -> dict[str, Any]:
        """Return the settings of the LoRA adapter; empty if all weights are trained."""
        return self.base.get("lora", {})

    def with_base(self, settings: Mapping[str, Any]) -> "RunConfig":
        """Return this config with other settings of the base."""
        return replace(self, base={**self.base, **settings})

    def with_encoder(self, settings: Mapping[str, Any]) -> "RunConfig":
        """Return this config with other settings of the contextual token's encoder."""
        return replace(self, design={**self.design, "contextual": dict(settings)})

    def with_precision(self, precision: str) -> "RunConfig":
        """Return this config with the precision that its training uses on this machine."""
        return replace(self, training={**self.training, "precision": precision})

    def with_choice(self, choice: Choice) -> "RunConfig":
        """Return this config with the settings that tuning chose."""
        return replace(self, training={**self.training, **choice.settings}, tuning=asdict(choice))

    def to_json(self) -> dict[str, Any]:
        """Return the content of the JSON file; without tuning, it has no such key."""
        content = asdict(self)
        return content if self.tuning else {key: content[key] for key in KINDS}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "RunConfig":
        """Return the run config with the content of a JSON file."""
        return cls(**{field.name: content[field.name] for field in fields(cls) if field.name in content})

    @classmethod
    def read(cls, path: Path) -> "RunConfig":
        """Return the run config in a JSON file; BadInput names the file and the key that is wrong."""
        return cls.from_json(read_object(path, KINDS))
