"""The memory that a study's trainings and evaluations need, computed from base, recipe, and design.

Snakemake runs jobs at the same time only if they fit into memory together. The memory of a training on a GPU
is computed from the same sizes. The constants are measured, and tests/study/test_memory.py compares the
results with measured peaks.
"""

from collections.abc import Mapping
from math import ceil
from typing import Any

from .compute import QUERY_TOKENS
from .design_on_base import model_of, model_on
from .designs import embedding_dimensions
from .model_sizes import BYTES, Backbone, Model, backbone_of, backbone_to_pretrain
from .run_configs import adaptation_config, names_of, task_batches
from .task_memory import task_memory

ADAM = 12  # bytes per trained weight: the weight and two moments in fp32
GRADIENT = 4  # bytes per trained weight, and again as many if several GPUs sum their gradients
COPY = 2  # bytes per trained weight under bf16 autocast
LIBRARIES = {"training": 620e6, "evaluation": 750e6, "GPU": 4e9}  # bytes; GPU: with those of CUDA
HEAP = 1.25  # of what is kept for the backward pass, on a CPU: padding, temporary results, and fragmentation
UNKNOWN_MB = 3000  # for a base whose sizes are not known
LOGITS = 3  # per predicted token: the logits, their softmax, and its gradient


def training_memory(model: Model, recipe: Mapping[str, Any], gpus: int = 1) -> float:
    """Return the bytes that the weights, states, and activations of a training take on each GPU."""
    return states(model, recipe, gpus) + kept(model, recipe, gpus)


def states(model: Model, recipe: Mapping[str, Any], gpus: int = 1) -> float:
    """Return the bytes of all weights, and of the gradients and moments of those that are trained."""
    copy = COPY * (recipe["precision"] != "fp32")
    return (ADAM + GRADIENT * (1 + (gpus > 1)) + copy) * model.trained + model.frozen_bytes


def kept(model: Model, recipe: Mapping[str, Any], gpus: int = 1) -> float:
    """Return the bytes kept for the backward pass of a micro-step.

    All documents, two per query, have `max_seq_length` tokens. With checkpointing, the inputs of all layers
    are kept, and everything of one layer.
    """
    length, queries = recipe["max_seq_length"], ceil(recipe["batch_size"] / gpus)
    document, query = model.reads(length, "document"), model.reads(min(QUERY_TOKENS, length), "query")
    tokens, texts = 2 * queries * document + queries * query, 3 * queries
    if (mini := recipe.get("mini_batch_size")) and mini < texts:
        tokens, texts = min(tokens, mini * document), mini
    per_token = kept_per_token(model, recipe) + kept_of_encoder(model, recipe)
    return tokens * per_token + texts * model.pool.activations(tokens / texts)


def kept_per_token(model: Model, recipe: Mapping[str, Any]) -> float:
    """Return the bytes that the backbone keeps per token for the backward pass."""
    return _kept_by_layers(model.backbone, model.lora, model.weight_bytes, recipe)


def kept_of_encoder(model: Model, recipe: Mapping[str, Any]) -> float:
    """Return the bytes that the encoder of a contextual token keeps per token; a frozen one keeps nothing."""
    if model.context is None or model.lora:
        return 0
    return _kept_by_layers(model.context.encoder, {}, model.weight_bytes, recipe)


def _kept_by_layers(
    backbone: Backbone, lora: Mapping[str, Any], weight_bytes: int, recipe: Mapping[str, Any]
) -> float:
    products = BYTES[recipe["precision"]]
    layer = backbone.activations(lora, weight_bytes, products)
    if recipe["gradient_checkpointing"]:
        return backbone.layers * max(products, weight_bytes) * backbone.width + layer
    return backbone.layers * layer


def training_on_cpu(model: Model, recipe: Mapping[str, Any], processes: int = 1) -> float:
    """Return the bytes that each process of a training takes on a CPU."""
    return LIBRARIES["training"] + states(model, recipe, processes) + HEAP * kept(model, recipe, processes)


def training_mb(study: Mapping[str, Any], base: str, design: str, on_gpu: bool = False) -> int:
    """Return the memory of the machine, in MB, that a training takes; with a GPU, only that of loading."""
    if not (model := model_of(study, base, design)):
        return UNKNOWN_MB
    if on_gpu:
        return megabytes(LIBRARIES["GPU"] + model.loaded_bytes)
    return megabytes(training_on_cpu(model, study["training"]))


def adaptation_mb(study: Mapping[str, Any], base: str, adaptation: str, on_gpu: bool = False) -> int:
    """Return the main memory, in MB, that adapting a base takes; with a GPU, only that of loading it.

    All texts are assumed to have `max_seq_length` tokens. The language model is loaded a second time for its
    head.
    """
    config = adaptation_config(study, base, adaptation)
    if not (backbone := backbone_of(config.base)):
        return UNKNOWN_MB
    model, recipe = model_on(backbone, config.base, config.design), config.training
    head = 0 if backbone.tied else model.weight_bytes * backbone.vocabulary * backbone.width
    if on_gpu:
        return megabytes(LIBRARIES["GPU"] + 2 * (model.loaded_bytes + head))
    tokens = recipe["batch_size"] * recipe["max_seq_length"]
    logits = LOGITS * 4 * tokens * recipe["mask_share"] * backbone.vocabulary
    batch = HEAP * (tokens * kept_per_token(model, recipe) + logits)
    return megabytes(LIBRARIES["training"] + states(model, recipe) + head + batch)


def evaluation_mb(
    study: Mapping[str, Any], base: str, design: str | None, batch: str | None = None, on_gpu: bool = False
) -> int:
    """Return the memory of the machine, in MB, that evaluating a design on a batch of tasks takes.

    design: None for the largest design; batch: None for all tasks.
    """
    designs = [design] if design else study["designs"]
    models = [model for name in designs if (model := model_of(study, base, name))]
    if not models:
        return UNKNOWN_MB
    evaluation = study["evaluation"]
    tasks = names_of(task_batches(study)[batch] if batch else evaluation["tasks"])
    width = max(embedding_dimensions(study["designs"][name], models[0].backbone.width) for name in designs)
    task = max((task_memory(task, evaluation["benchmark"], width) for task in tasks), default=0)
    largest = max(model.loaded_bytes + forward(model, evaluation) for model in models)
    return megabytes(LIBRARIES["GPU" if on_gpu else "evaluation"] + task + largest)


def pretraining_mb(study: Mapping[str, Any], base: str) -> int:
    """Return the memory, in MB, that pretraining a base takes on a CPU."""
    sizes = study["bases"][base]["pretrain"]
    backbone = backbone_to_pretrain(sizes)
    tokens = sizes["batch_size"] * sizes["sequence_length"]
    trained = (ADAM + GRADIENT) * backbone.parameters
    layers = tokens * backbone.layers * backbone.activations({}, 4, 4)
    return megabytes(
        LIBRARIES["training"] + trained + HEAP * (layers + LOGITS * 4 * tokens * backbone.vocabulary)
    )


def forward(model: Model, evaluation: Mapping[str, Any]) -> float:
    """Return the bytes that the forward pass of a batch holds at once: those of a feed-forward layer."""
    tokens = evaluation["batch_size"] * model.reads(evaluation["max_seq_length"], "document")
    return 4 * tokens * (3 * model.backbone.feed_forward + 4 * model.backbone.width)


def megabytes(size: float) -> int:
    """Return bytes in MB, rounded up to 100."""
    return ceil(size / 1e8) * 100
