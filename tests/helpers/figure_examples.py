"""Comparisons to draw, some made by hand, so that a test knows them, and some from small tables of scores."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any, TypeVar

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from embedding_designs.comparison import compare
from embedding_designs.comparison import results as types
from embedding_designs.comparison import results_of_best_sets as best_sets
from embedding_designs.comparison import results_of_tests as parts
from embedding_designs.reporting.figures import looks as figures
from embedding_designs.scores.score_table import COLUMNS

T = TypeVar("T")
KEYS = {
    "eos-causal": ("eos", "causal"),
    "last-layer-causal": ("last_layer", "causal"),
    "multi-layer-causal": ("multi_layer", "causal"),
    "last-layer-bidirectional": ("last_layer", "bidirectional"),
    "multi-layer-bidirectional": ("multi_layer", "bidirectional"),
}
# Names as long as those of published models.
MODELS = [
    "GritLM-7B", "NV-Embed-v2", "Linq-Embed-Mistral", "SFR-Embedding-2_R", "e5-mistral-7b-instruct",
    "gte-Qwen2-7B-instruct", "bge-en-icl", "multilingual-e5-large-instruct", "Qwen3-Embedding-8B",
    "LLM2Vec-Mistral-7B-Instruct-v2-mntp-unsup-simcse", "KaLM-embedding-multilingual-mini-instruct-v2.5",
    "snowflake-arctic-embed-m-v1.5", "paraphrase-multilingual-mpnet-base-v2", "text-embedding-005",
    "granite-embedding-107m-multilingual", "jina-embeddings-v5-text-small", "llama-embed-nemotron-8b",
    "Arabic-MiniLM-L12-v2-all-nli-triplet", "distilrubert-small-cased-conversational", "gemma-2b-embeddings",
]  # fmt: skip


def designs(n_designs: int) -> dict[str, tuple[str, str]]:
    """Return designs by name, with pooling and attention: the paper's, or models if there are many."""
    if n_designs <= len(KEYS):
        return dict(list(KEYS.items())[:n_designs])
    names = [MODELS[i % 20] + f"-{i // 20}" * (i >= 20) for i in range(n_designs)]
    poolings, attentions = (
        ("eos", "mean", "latent_attention", "unknown"),
        ("causal", "bidirectional", "unknown"),
    )
    return {name: (poolings[i % 4], attentions[i % 3]) for i, name in enumerate(names)}


def looks(n_designs: int) -> dict[str, figures.Look]:
    """Return the looks of these designs."""
    return figures.looks([types.Design(name, *keys) for name, keys in designs(n_designs).items()])


def spread_ranks(n_designs: int) -> list[float]:
    """Return average ranks at irregular distances, from 1 to their number."""
    steps = np.random.default_rng(n_designs).uniform(0.2, 1.8, n_designs - 1)
    return [round(rank, 4) for rank in 1 + np.cumsum([0, *steps]) * (n_designs - 1) / steps.sum()]


def changed(value: T, path: str, new: Any) -> T:
    """Return a copy of a result with a new value for the field at a dotted path."""
    field, _, inside = path.partition(".")
    return replace(value, **{field: changed(getattr(value, field), inside, new) if inside else new})


def comparison_of(
    ranks: Sequence[float], cliques: Sequence[Sequence[int]] | None = None, distance: float | None = None
) -> types.Comparison:
    """Return a comparison with these average ranks and cliques, which are positions in `ranks`.

    By default, the cliques are the designs whose ranks differ by at most the critical difference.
    """
    k = len(ranks)
    names, distance = list(designs(k)), k / 4 if distance is None else distance
    pairs = [(i, j) for i in range(k) for j in range(i + 1, k)]
    if cliques is None:
        apart = {pair for pair in pairs if ranks[pair[1]] - ranks[pair[0]] > distance}
        runs = [[j for j in range(i, k) if (i, j) not in apart] for i in range(k)]
        cliques = [
            run for i, run in enumerate(runs) if len(run) > 1 and (i == 0 or run[-1] != runs[i - 1][-1])
        ]
    else:
        apart = {pair for pair in pairs if not any(set(pair) <= set(clique) for clique in cliques)}
    named = [[names[i] for i in clique] for clique in cliques]
    tests = _tests([(names[i], names[j], (i, j) in apart) for i, j in pairs], named, distance, k)
    return types.Comparison(
        base="mini", category="All", dropped_tasks=[], unit="design", designs=names, control=names[0],
        tasks=[f"T{task}" for task in range(12)], seeds=[1, 2], n_designs=k, n_tasks=12,
        mean_scores={name: 0.9 - 0.01 * i for i, name in enumerate(names)},
        seed_spread=dict.fromkeys(names, 0.01),
        average_ranks=dict(zip(names, ranks, strict=True)),
        rank_intervals={n: [max(1, r - 0.5), min(k, r + 0.4)] for n, r in zip(names, ranks, strict=True)},
        differences=types.Differences("tasks", {
            n: parts.Difference(-0.01 * i, -0.01 * i - 0.02, 0.03 - 0.01 * i) for i, n in enumerate(names)
        }),
        undecidable=_undecidable(),
        these_checkpoints=tests,
        these_designs=types.TheseDesigns("Too few seeds.", 2, None, None, None, None, None, [], [], None),
        factors=types.Factors(None, None, None, None, [], [], [], "Too few seeds.", "No cross."),
        left_out=None,
        sentences={"verdict": ["Made up."]},
    )  # fmt: skip


def _tests(
    verdicts: Sequence[tuple[str, str, bool]], cliques: list[list[str]], distance: float, k: int
) -> types.TheseCheckpoints:
    """Return tests over tasks with these verdicts: (first, second, whether they differ)."""
    p = {True: 0.01, False: 0.5}
    return types.TheseCheckpoints(
        friedman=parts.Friedman(12.345, k - 1, 0.0151, 0.257, "corrected"),
        iman_davenport=parts.FTest(3.8, k - 1, 11 * (k - 1), 0.0151),
        gate=parts.Gate(0.0151, True, 1),
        nemenyi=types.Nemenyi(distance, [parts.NemenyiPair(a, b, p[v], v) for a, b, v in verdicts]),
        cliques=cliques,
        wilcoxon=[
            parts.WilcoxonPair(a, b, p[v], p[v], v, v, 0.1, 0.5, wins=8, losses=4, ties=0)
            for a, b, v in verdicts
        ],
        wilcoxon_cliques=cliques,
        against_control=[],
        equivalence=None,
        papers_rule=parts.PapersRule(len(verdicts), [], []),
        best_by_score=_all_could_be_best(k),
        best_by_rank=_all_could_be_best(k),
    )


def _all_could_be_best(k: int) -> best_sets.BestOverTasks:
    names = list(designs(k))
    return best_sets.BestOverTasks(names, dict.fromkeys(names, 0.5), {name: [1, k] for name in names})


def _undecidable() -> types.Undecidable:
    return types.Undecidable(
        untestable=None,
        attainable=parts.Attainable(0.0, 0.0, 0.0, 0.0, 0.0, {}),
        decidable={"nemenyi": True, "wilcoxon_holm": True},
        detectable=types.Detectable(
            0.8, parts.DetectedOverTasks(spread=0.1, difference=0.1, observed=0.1, tasks_needed=12), None
        ),
    )


def study_and_scores(n_tasks: int = 12, seeds: Sequence[int] = (1, 2)) -> tuple[dict, pd.DataFrame]:
    """Return a study of the paper's designs, whose scores increase by 0.01 on average, and its scores."""
    random = np.random.default_rng(5)
    rows = [
        ("mini", name, pooling, attention, seed, f"T{task}", "STS", "spearman",
         round(0.4 + 0.01 * index + random.normal(0, 0.02), 6))
        for index, (name, (pooling, attention)) in enumerate(KEYS.items())
        for task in range(n_tasks)
        for seed in seeds
    ]  # fmt: skip
    of_study = {
        n: {"attention": attention, "pooling": {"kind": pooling}} for n, (pooling, attention) in KEYS.items()
    }
    return {"name": "drawn", "designs": of_study}, pd.DataFrame(rows, columns=COLUMNS)


@cache
def compared(n_tasks: int = 12, seeds: Sequence[int] = (1, 2)) -> types.Comparison:
    """Return the overall comparison of the paper's designs."""
    study, scores = study_and_scores(n_tasks, seeds)
    return compare.compare_study(scores, study).comparisons[-1]


def rendered(make, *arguments) -> Figure:
    """Return a figure as it is drawn in a file."""
    with matplotlib.rc_context(figures.STYLE):
        figure = make(*arguments)
        FigureCanvasAgg(figure).draw()
    return figure


def boxes(figure: Figure, contained: str = "") -> list[tuple[str, Bbox]]:
    """Return the texts of a figure that contain a string, with their bounding boxes in pixels."""
    texts = [text for text in figure.findobj(Text) if text.get_visible() and contained in text.get_text()]
    beyond = [label for ax in figure.axes for axis in (ax.xaxis, ax.yaxis) for label in _beyond(axis)]
    renderer = figure.canvas.get_renderer()
    return [
        (text.get_text(), text.get_window_extent(renderer))
        for text in texts
        if text.get_text() and text not in beyond
    ]


def _beyond(axis: Axis) -> list[Text]:
    """Return the labels of ticks beyond the ends of an axis, which are not drawn."""
    low, high = sorted(axis.get_view_interval())
    slack = 1e-6 * (high - low)
    ticks = zip(axis.get_majorticklocs(), axis.get_major_ticks(), strict=True)
    return [tick.label1 for place, tick in ticks if not low - slack <= place <= high + slack]


def said(figure: Figure) -> str:
    """Return all text of a figure in one line."""
    return " ".join(text for text, _ in boxes(figure)).replace("\u00a0", " ")


def collisions(figure: Figure) -> list[str]:
    """Return the texts that overlap another or leave the figure."""
    placed = boxes(figure)
    found = [
        text for text, b in placed if b.x0 < 0 or b.y0 < 0 or b.x1 > figure.bbox.x1 or b.y1 > figure.bbox.y1
    ]
    for index, (text, box) in enumerate(placed):
        found += [f"{text!r} on {other!r}" for other, beside in placed[:index] if box.overlaps(beside)]
    return found
