"""Estimates a study's cost in tokens, operations, and bytes from the sizes of its models and tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import mean
from typing import Any

from ..evaluation.embedding_store import HALF_FROM
from ..study.categories import ONLY_QUERIES
from ..study.run_configs import finetuning, names_of, task_batches
from ..study.task_sizes import Side, characters, task_sizes
from .cost_model import Backbone, Pool

CHARACTERS_A_TOKEN = 4.0  # for English and vocabularies of 32,000 to 150,000 tokens
QUERY_TOKENS, DOCUMENT_TOKENS = 20, 150  # of training texts
ADAM = 12  # bytes per trained weight in a checkpoint: the weight and two moments in fp32
GRADIENT = 4  # bytes per trained weight, and again as many if several GPUs sum their gradients
COPY = 2  # bytes per trained weight under bf16 autocast
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
        self.backbone = backbone
        self.benchmark = study["evaluation"]["benchmark"]
        designs = study["designs"].values()
        self.pools = [Pool(design["pooling"], backbone.width, backbone.layers) for design in designs]
        self.settings = [finetuning(study["bases"][base], design) for design in designs]
        self.runs = len(self.pools) * len(study["seeds"])

    def training(self) -> Cost:
        """Return the cost of one training: forward and backward passes, and recomputation."""
        recipe = self.study["training"]
        samples = self._samples()
        texts = [
            min(recipe["max_seq_length"], tokens)
            for tokens in (QUERY_TOKENS, DOCUMENT_TOKENS, DOCUMENT_TOKENS)
        ]
        again = recipe["gradient_checkpointing"] + bool(recipe.get("mini_batch_size"))
        operations = [
            sum((passes + again) * self.backbone.operations(tokens) + (3 + again) * pool.operations(tokens)
                for tokens in texts)
            for pool, passes in zip(self.pools, self._passes(), strict=True)
        ]  # fmt: skip
        return Cost("training, per run", samples * sum(texts), samples * mean(operations))

    def evaluation(self, what: str, tasks: Sequence[str]) -> Cost:
        """Return the cost of embedding the texts of tasks for one run."""
        sides = embedded(tasks, self.benchmark)
        lengths = [self._length(side) for side in sides]
        tokens = sum(side.unique * length for side, length in zip(sides, lengths, strict=True))
        operations = sum(
            side.unique
            * (self.backbone.operations(length) + mean(pool.operations(length) for pool in self.pools))
            for side, length in zip(sides, lengths, strict=True)
        )
        texts = sum(side.unique for side in sides)
        numbers = sum(side.unique * (2 if side.texts >= HALF_FROM else 4) for side in sides)
        return Cost(what, tokens, operations, texts, numbers * self.backbone.width)

    def batches(self) -> list[Cost]:
        """Return the cost of each batch of tasks for one run, largest first."""
        costs = [self.evaluation(batch, names_of(tasks)) for batch, tasks in task_batches(self.study).items()]
        return sorted(costs, key=lambda cost: -cost.operations)

    def all_runs(self) -> list[Cost]:
        """Return the costs of one training, of one evaluation, and of all runs."""
        training = self.training()
        evaluation = self.evaluation("evaluation, per run", names_of(self.study["evaluation"]["tasks"]))
        tokens = self.runs * (training.tokens + evaluation.tokens)
        operations = self.runs * (training.operations + evaluation.operations)
        return [training, evaluation, Cost(f"all {self.runs} runs", tokens, operations)]

    def training_memory(self, gpus: int, checkpointing: bool) -> float:
        """Return the bytes that the largest training needs on each GPU.

        In its micro-step, all documents, two per query, have `max_seq_length` tokens.
        """
        recipe = self.study["training"]
        queries = ceil(recipe["batch_size"] / gpus)
        tokens = recipe["max_seq_length"] * 2 * queries + QUERY_TOKENS * queries
        if "mini_batch_size" in recipe:  # this many texts at once
            tokens = min(tokens, recipe["max_seq_length"] * recipe["mini_batch_size"])
        bf16 = recipe["precision"] == "bf16"
        trained_weight = ADAM + GRADIENT * (1 + (gpus > 1)) + COPY * bf16
        return max(
            trained_weight * trained
            + frozen
            + tokens * self._kept("lora" in base, 2 if bf16 else 4, checkpointing)
            for trained, frozen, base in zip(self._trained(), self._frozen(), self.settings, strict=True)
        )

    def _kept(self, lora: bool, number: int, checkpointing: bool) -> int:
        """Return the bytes kept per training token; with checkpointing, all layers' inputs and one layer."""
        layers, layer = self.backbone.layers, self.backbone.activations(lora, number)
        return layers * number * self.backbone.width + layer if checkpointing else layers * layer

    def disk(self) -> dict[str, float]:
        """Return the bytes on disk by use."""
        weights = self._weight_bytes()
        head = 0 if self.backbone.tied else self.backbone.vocabulary * self.backbone.width
        models = [
            weight * self.backbone.parameters + 4 * pool.parameters
            for weight, pool in zip(weights, self.pools, strict=True)
        ]
        tasks = names_of(self.study["evaluation"]["tasks"])
        embeddings = [batch.embeddings for batch in self.batches()]
        return {
            "downloaded base": weights[0] * (self.backbone.parameters + head),
            "training data and files derived from them": COPIES * self._training_characters(),
            "downloaded task data and files derived from them": COPIES
            * sum(characters(task, self.benchmark) for task in tasks),
            f"models of {self.runs} runs": len(self.study["seeds"]) * sum(models),
            "checkpoints of one training (at most three)": 3 * ADAM * max(self._trained()),
            "embeddings of the largest evaluation": max(embeddings),
            f"embeddings if all {self.runs} runs are evaluated at once": self.runs * sum(embeddings),
        }

    def _weight_bytes(self) -> list[int]:
        """Return the bytes per weight of the backbone for each design."""
        return [2 if base["precision"] == "bf16" else 4 for base in self.settings]

    def _trained(self) -> list[int]:
        """Return the number of trained weights for each design."""
        return [
            pool.parameters + (self.backbone.lora_parameters(base["lora"]["rank"]) if "lora" in base
                               else self.backbone.parameters)
            for pool, base in zip(self.pools, self.settings, strict=True)
        ]  # fmt: skip

    def _frozen(self) -> list[int]:
        """Return the bytes of the frozen weights for each design."""
        return [
            weight * self.backbone.parameters if "lora" in base else 0
            for weight, base in zip(self._weight_bytes(), self.settings, strict=True)
        ]

    def _training_characters(self) -> float:
        """Return the characters of the training data, with the rows the study sets or one training uses."""
        rows = self.study["data"].get("train_rows", self._samples())
        return CHARACTERS_A_TOKEN * (QUERY_TOKENS + 2 * DOCUMENT_TOKENS) * rows

    def _samples(self) -> int:
        """Return the number of rows that one training uses."""
        recipe = self.study["training"]
        return recipe["steps"] * recipe["batch_size"] * recipe["gradient_accumulation_steps"]

    def _passes(self) -> list[int]:
        """Return the cost of a step in forward passes of the backbone, for each design."""
        return [2 if base["finetuning"] == "lora" else 3 for base in self.settings]

    def _length(self, side: Side) -> float:
        """Return the mean number of tokens of a side's texts, with prompt and EOS."""
        evaluation = self.study["evaluation"]
        prompt = evaluation["prompts"].get(side.task, evaluation["prompts"].get(side.category, ""))
        if side.category in ONLY_QUERIES and side.side == "documents":
            prompt = ""
        tokens = (len(prompt) + side.characters) / CHARACTERS_A_TOKEN + 1
        return min(evaluation["max_seq_length"], tokens)


def embedded(tasks: Sequence[str], benchmark: str | None = None) -> list[Side]:
    """Return what is embedded for tasks; documents that several of them search appear only once."""
    sides: list[Side] = []
    for task in tasks:
        seen = {side.corpus for side in sides}
        counted = task_sizes(benchmark).get(task, [])
        sides += [side for side in counted if not side.corpus or side.corpus not in seen]
    return sides
