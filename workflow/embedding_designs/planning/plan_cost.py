"""Estimates what a study will cost before anything is run: tokens, GPU hours, memory, and disk space.

python -m embedding_designs.planning.plan_cost paper-mistral-7b
python -m embedding_designs.planning.plan_cost config/studies/paper-*.yaml --output docs/cost.md
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from ..common.atomic_writes import atomic
from ..common.command import command
from ..common.errors import BadInput
from ..study.compute import DOCUMENT_TOKENS, QUERY_TOKENS
from ..study.inputs import CHARACTERS_A_TOKEN
from ..study.model_sizes import backbone_of
from ..study.run_configs import names_of
from ..study.study import load_study, study_path
from ..study.task_sizes import task_sizes
from .study_cost import StudyCost

PEAKS = {"A100": 312e12, "H100": 989e12}  # dense bf16 operations per second, from NVIDIA's data sheets
SHARE = 0.35  # of the peak, reached on average
GPUS = (1, 2, 4, 8)  # per training


def section(study: Mapping[str, Any]) -> str:
    """Return what one study costs, in Markdown. Raises BadInput if it trains nothing."""
    if not study["designs"]:
        raise BadInput(f"{study['name']}: a study that starts from existing scores needs no GPU")
    names = names_of(study["evaluation"]["tasks"])
    return _template("cost_section.md.jinja").render(
        name=study["name"],
        unknown=[name for name in names if name not in task_sizes(study["evaluation"]["benchmark"])],
        docstrings="docstring_tasks" in study["evaluation"],
        bases=[_base(study, name, base) for name, base in study["bases"].items()],
        gpus=list(PEAKS),
    )


def page(paths: Sequence[Path]) -> str:
    """Return the page about several studies."""
    studies = [{"path": path, "section": section(load_study(path)).strip()} for path in paths]
    assumed = {
        "characters_a_token": CHARACTERS_A_TOKEN,
        "query_tokens": QUERY_TOKENS,
        "document_tokens": DOCUMENT_TOKENS,
        "share": SHARE,
        "peaks": ", ".join(f"{gpu} {peak / 1e12:.0f}" for gpu, peak in PEAKS.items()),
    }
    return _template("cost.md.jinja").render(studies=studies, assumed=assumed)


def _base(study: Mapping[str, Any], name: str, base: Mapping[str, Any]) -> dict[str, Any]:
    backbone = backbone_of(base)
    shown = {"name": name, "model": _source(base), "backbone": backbone}
    if backbone is None:
        return shown
    cost = StudyCost(study, name, backbone)
    gpus = [number for number in GPUS if study["training"]["batch_size"] % number == 0]
    memory = {
        checkpointing: [cost.training_memory(number, checkpointing) for number in gpus]
        for checkpointing in (False, True)
    }
    tables = {"costs": cost.all_runs(), "disk": cost.disk(), "batches": cost.batches()[:10]}
    return {**shown, **tables, "gpus": gpus, "memory": memory}


def _source(base: Mapping[str, Any]) -> str:
    return base.get("model") or base.get("package", {}).get("name", "pretrained here")


def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters |= {"tokens": _tokens, "hours": _hours, "gigabytes": _gigabytes}
    return environment.get_template(name)


def _tokens(count: float) -> str:
    return f"{count / 1e9:.2f} billion" if count >= 1e8 else f"{count / 1e6:.2f} million"


def _hours(operations: float) -> list[str]:
    return [_rounded(operations / (peak * SHARE) / 3600) for peak in PEAKS.values()]


def _gigabytes(size: float) -> str:
    return _rounded(size / 1e9)


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


@command
def main() -> None:
    """Print what studies will cost, or write it to a page."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("studies", type=study_path, nargs="+", help="names or YAML files")
    parser.add_argument("--output", type=Path, help="Markdown page to write; default: print the sections")
    arguments = parser.parse_args()
    if arguments.output is None:
        print("\n".join(section(load_study(study)) for study in arguments.studies))
        return
    with atomic(arguments.output) as part:
        part.write_text(page(arguments.studies), encoding="utf-8")


if __name__ == "__main__":
    main()
