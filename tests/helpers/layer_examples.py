"""Made-up analyses of layers: a middle layer is the best before training, and the last one after it."""

import numpy as np

from embedding_designs.common.layer_files import ModelLayers, PoolingReads, TaskScores

CATEGORIES = ["STS", "PairClassification", "Clustering", "Reranking", "Classification", "Retrieval"]
DESIGNS = {  # pooling, attention
    "eos-causal": ("eos", "causal"),
    "multi-layer-causal": ("multi_layer", "causal"),
    "last-layer-bidirectional": ("last_layer", "bidirectional"),
    "multi-layer-bidirectional": ("multi_layer", "bidirectional"),
}
BEFORE = {f"untrained-{attention}": ("mean", attention) for attention in ("causal", "bidirectional")}


def analysis(model: str, seed: int | None = None, layers: int = 30, base: str = "mini") -> ModelLayers:
    """Return the analysis of an untrained base or of a design."""
    pooling, attention = (BEFORE | DESIGNS)[model]
    chance = np.random.default_rng([seed or 0, len(model)])
    numbers = np.arange(1, layers + 1)
    best = layers if seed else 2 * layers // 3
    curve = 0.5 - 0.3 * np.abs(numbers - best) / layers
    scores = [np.round(curve + 0.05 * n + chance.normal(0, 0.005, layers), 6).tolist() for n in range(6)]
    near = np.exp(-np.abs(numbers[:, None] - numbers) / layers)
    tasks = [
        TaskScores(f"Made{category}", category, "main", values)
        for category, values in zip(CATEGORIES, scores, strict=True)
    ]
    weights = np.round(curve / curve.sum(), 6).tolist()
    reads = PoolingReads(numbers.tolist(), weights, 0.9 * layers, np.linspace(11, 12, layers).tolist())
    return ModelLayers(
        base, model, attention, numbers.tolist(), "mean", 64, near.tolist(), (near**2).tolist(), tasks,
        seed, reads if seed and pooling == "multi_layer" else None,
    )  # fmt: skip


def analyses(layers: int = 30, seeds: int = 3, base: str = "mini") -> list[ModelLayers]:
    """Return the analyses of a study."""
    runs = [analysis(name, seed, layers, base) for name in DESIGNS for seed in range(1, seeds + 1)]
    return [*(analysis(name, None, layers, base) for name in BEFORE), *runs]
