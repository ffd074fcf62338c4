"""Estimates a study's cost in tokens, operations, and bytes from the sizes of its models and tasks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import mul
from statistics import mean
from typing import Any

from ..common.wording import counted, listing
from ..evaluation.embedding_store import HALF_FROM
from ..study.adaptation import adaptation_recipe, adaptations
from ..study.budget import design_steps, tuning_steps
from ..study.categories import ONLY_QUERIES
from ..study.compute import (
    DOCUMENT_TOKENS,
    QUERY_TOKENS,
    Compute,
    adaptation_compute,
    encoding_operations,
    rows_of_steps,
    training_compute,
)
from ..study.design_on_base import finetuning, model_on
from ..study.designs import embedding_dimensions
from ..study.encoders import with_encoder
from ..study.inputs import CHARACTERS_A_TOKEN
from ..study.layers import UNTRAINED, analyzed_layers, chosen_tasks
from ..study.memory import ADAM, training_memory
from ..study.model_sizes import BYTES, Backbone, Model
from ..study.run_configs import names_of, task_batches, tasks_by_category
from ..study.task_sizes import Side, characters, task_sizes
from ..study.tuning import tuning_points

COPIES = 3  # bytes per character: the file, its copy by datasets, and the training table or MTEB's documents


@dataclass(frozen=True)
class Cost:
    """The tokens that a model processes, the operations they need, the embedded texts, and their bytes."""

    what: str
    tokens: float
    operations: float
    texts: int = 0
    embeddings: int = 0


class StudyCost:
    """The cost of a study on one of its bases; operations are averaged over its designs."""

    def __init__(self, study: Mapping[str, Any], base: str, backbone: Backbone):
        self.study = study
        self.base = base
        self.backbone = backbone
        self.settings = finetuning(study["bases"][base], {})
        self.benchmark = study["evaluation"]["benchmark"]
        designs = [with_encoder(study, name) for name in study["designs"]]
        self.models = [
            model_on(backbone, finetuning(study["bases"][base], design), design) for design in designs
        ]
        self.dimensions = mean(embedding_dimensions(design, backbone.width) for design in designs)
        self.steps = [design_steps(study, base, design) for design in study["designs"]]
        self.runs = len(self.models) * len(study["seeds"])

    def training(self) -> Cost:
        """Return the cost of one training: forward and backward passes, and recomputation."""
        runs = self._trainings(self.steps)
        return _cost("training, per run", [run * (1 / len(runs)) for run in runs])

    def _trainings(self, steps: Sequence[int]) -> list[Compute]:
        """Return the compute of one training of each design. steps: of each design."""
        recipe = self.study["training"]
        return [training_compute(model, recipe, n) for model, n in zip(self.models, steps, strict=True)]

    def tuning(self) -> list[Cost]:
        """Return the cost of all tuning runs of the base; nothing if the study has no tuning."""
        if not (tuning := self.study.get("tuning")):
            return []
        points = [len(tuning_points(tuning, design)) for design in self.study["designs"].values()]
        steps = [tuning_steps(self.study, self.base, design) for design in self.study["designs"]]
        few, many = min(steps), max(steps)
        what = f"tuning, {sum(points)} trainings of {few if few == many else f'{few} to {many}'} steps"
        return [_cost(what, map(mul, self._trainings(steps), points))]

    def adaptation(self) -> list[Cost]:
        """Return the cost of all adaptations of the base; nothing if no design has one."""
        recipes = [adaptation_recipe(self.study, name) for name in adaptations(self.study)]
        if not recipes:
            return []
        what, training = f"adaptation, {counted(len(recipes), 'adapted base')}", self.study["training"]
        each = (adaptation_compute(self.backbone, self.settings, training, recipe) for recipe in recipes)
        return [_cost(what, each)]

    def evaluation(self, what: str, tasks: Sequence[str]) -> Cost:
        """Return the cost of embedding the texts of tasks for one run."""
        sides = embedded(tasks, self.benchmark)
        read = [(side, model) for side in sides for model in self.models]
        tokens = sum(side.unique * self._read(side, model) for side, model in read) / len(self.models)
        operations = sum(
            side.unique * encoding_operations(model, self._length(side), _text(side)) for side, model in read
        ) / len(self.models)
        texts = sum(side.unique for side in sides)
        numbers = sum(side.unique * (2 if side.texts >= HALF_FROM else 4) for side in sides)
        return Cost(what, tokens, operations, texts, round(numbers * self.dimensions))

    def batches(self) -> list[Cost]:
        """Return the cost of each batch of tasks for one run, largest first."""
        costs = [self.evaluation(batch, names_of(tasks)) for batch, tasks in task_batches(self.study).items()]
        return sorted(costs, key=lambda cost: -cost.operations)

    def all_runs(self) -> list[Cost]:
        """Return the costs of one training, one evaluation, what precedes the runs, their sum, and layers."""
        training = self.training()
        evaluation = self.evaluation("evaluation, per run", names_of(self.study["evaluation"]["tasks"]))
        before = {"adaptation": self.adaptation(), "tuning": self.tuning()}
        costs = [cost for own in before.values() for cost in own]
        tokens = self.runs * (training.tokens + evaluation.tokens) + sum(cost.tokens for cost in costs)
        operations = self.runs * (training.operations + evaluation.operations)
        operations += sum(cost.operations for cost in costs)
        what = listing([f"all {self.runs} runs", *(name for name, own in before.items() if own)])
        return [training, evaluation, *costs, Cost(what, tokens, operations), *self.layers()]

    def layers(self) -> list[Cost]:
        """Return the costs of analyzing the layers of one model, and of all models; empty without a key."""
        one = [self._layers_of(task) for task in self._layer_tasks()]
        if not one:
            return []
        tokens, operations = sum(cost.tokens for cost in one), sum(cost.operations for cost in one)
        models = self.runs + len(UNTRAINED)
        return [
            Cost("layers, per model", tokens, operations),
            Cost(f"layers of all {models} models", models * tokens, models * operations),
        ]

    def _layer_tasks(self) -> list[str]:
        """Return the tasks on which layers are scored."""
        layers = self.study.get("layers")
        return names_of(chosen_tasks(layers["tasks"], tasks_by_category(self.study))) if layers else []

    def _layers_of(self, task: str) -> Cost:
        """Return the cost of embedding a task's texts with all analyzed layers: one pass of the backbone."""
        cost = self.evaluation(task, [task])
        sides = embedded([task], self.benchmark)
        operations = sum(
            side.unique
            * (
                self.backbone.operations(self._read(side, model))
                + model.context_operations(self._length(side))
            )
            for side in sides
            for model in self.models
        ) / len(self.models)
        layers = len(analyzed_layers(self.study["layers"]["numbers"], self.backbone.layers))
        of_a_layer = cost.embeddings * self.backbone.width / self.dimensions
        return Cost(task, cost.tokens, operations, cost.texts, round(layers * of_a_layer))

    def training_memory(self, gpus: int, checkpointing: bool) -> float:
        """Return the bytes that the largest training needs on each GPU."""
        recipe = {**self.study["training"], "gradient_checkpointing": checkpointing}
        return max(training_memory(model, recipe, gpus) for model in self.models)

    def disk(self) -> dict[str, float]:
        """Return the bytes on disk by use."""
        head = 0 if self.backbone.tied else self.backbone.vocabulary * self.backbone.width
        models = [model.loaded_bytes for model in self.models]
        adapted = adaptations(self.study)
        tasks = names_of(self.study["evaluation"]["tasks"])
        embeddings = [batch.embeddings for batch in self.batches()]
        layers = [self._layers_of(task).embeddings for task in self._layer_tasks()]
        of_adaptations = {
            f"{counted(len(adapted), 'adapted base')}": len(adapted)
            * BYTES[self.settings["precision"]]
            * self.backbone.parameters
        }
        of_layers = {"embeddings of all layers, largest task of one analysis": max(layers)} if layers else {}
        return {
            "downloaded base": self.models[0].weight_bytes * (self.backbone.parameters + head),
            "training data and files derived from them": COPIES * self._training_characters(),
            "downloaded task data and files derived from them": COPIES
            * sum(characters(task, self.benchmark) for task in tasks),
            f"models of {self.runs} runs": len(self.study["seeds"]) * sum(models),
            "checkpoints of one training (at most three)": 3
            * ADAM
            * max(model.trained for model in self.models),
            "embeddings of the largest evaluation": max(embeddings),
            f"embeddings if all {self.runs} runs are evaluated at once": self.runs * sum(embeddings),
            **(of_adaptations if adapted else {}),
            **of_layers,
        }

    def _training_characters(self) -> float:
        """Return the characters of the training data, whose rows are set or those of the longest training."""
        used = rows_of_steps(self.study["training"], max(self.steps))
        rows = self.study["data"].get("train_rows", used)
        return CHARACTERS_A_TOKEN * (QUERY_TOKENS + 2 * DOCUMENT_TOKENS) * rows

    def _read(self, side: Side, model: Model) -> float:
        """Return the mean number of tokens that a design reads for a side's texts."""
        return model.reads(self._length(side), _text(side))

    def _length(self, side: Side) -> float:
        """Return the mean number of tokens of a side's texts, with prompt and EOS."""
        evaluation = self.study["evaluation"]
        prompt = evaluation["prompts"].get(side.task, evaluation["prompts"].get(side.category, ""))
        if side.category in ONLY_QUERIES and side.side == "documents":
            prompt = ""
        tokens = (len(prompt) + side.characters) / CHARACTERS_A_TOKEN + 1
        return min(evaluation["max_seq_length"], tokens)


def _cost(what: str, parts: Iterable[Compute]) -> Cost:
    total = sum(parts, Compute(0, 0))
    return Cost(what, total.tokens, total.operations)


def _text(side: Side) -> str:
    """Return what a design reads a side's texts as: "document" or "query"."""
    return "document" if side.side == "documents" else "query"


def embedded(tasks: Sequence[str], benchmark: str | None = None) -> list[Side]:
    """Return what is embedded for tasks; documents that several of them search appear only once."""
    sides: list[Side] = []
    for task in tasks:
        seen = {side.corpus for side in sides}
        counted = task_sizes(benchmark).get(task, [])
        sides += [side for side in counted if not side.corpus or side.corpus not in seen]
    return sides
