"""What a reader must be able to see in the figures, measured on what is drawn."""

import json
import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from embedding_designs import compare, critical_difference, draw, figures
from embedding_designs.command import BadInput
from embedding_designs.designs import POOLING_KINDS

POOLINGS = ["eos", "last_layer", "multi_layer", "last_layer", "multi_layer"]
NAMES = [
    "eos-causal",
    "last-layer-causal",
    "multi-layer-causal",
    "last-layer-bidirectional",
    "multi-layer-bidirectional",
]
SIZES = [(3.3, 5), (5, 5), (7, 5), (3.3, 20), (7, 20), (7, 2)]


def study_and_scores(n_designs: int, n_tasks: int, step: float = 0.01) -> tuple[dict, pd.DataFrame]:
    """Return a study of designs that are `step` apart on average, and its scores, two seeds each."""
    random = np.random.default_rng(n_designs)
    names = NAMES[:n_designs] + [
        f"design-{index}-{'bidirectional' if index % 2 else 'causal'}" for index in range(5, n_designs)
    ]
    designs = {
        name: {"attention": name.rsplit("-", 1)[1], "pooling": {"kind": POOLINGS[index % 5]}}
        for index, name in enumerate(names)
    }
    rows = [
        ("mini", name, design["pooling"]["kind"], design["attention"], seed, f"T{task}", "STS", "spearman",
         round(0.4 + step * index + random.normal(0, 0.02), 6))
        for index, (name, design) in enumerate(designs.items())
        for task in range(n_tasks)
        for seed in (1, 2)
    ]  # fmt: skip
    return {"name": "drawn", "designs": designs}, pd.DataFrame(rows, columns=compare.COLUMNS)


def compared(n_designs: int = 5, n_tasks: int = 12, step: float = 0.01) -> tuple[dict, dict]:
    """Return one comparison and the look of its designs."""
    study, scores = study_and_scores(n_designs, n_tasks, step)
    statistics = compare.compare_study(scores, study)
    return statistics["comparisons"][0], figures.looks(statistics["designs"])


def drawn(comparison: dict, look: dict, width: float = 7) -> Figure:
    """Return the rendered critical-difference diagram."""
    with matplotlib.rc_context(figures.STYLE):
        figure = draw.critical_difference_figure(comparison, look, 0.05, width)
        FigureCanvasAgg(figure).draw()
    return figure


def boxes(figure: Figure, contained: str = "") -> dict[str, Bbox]:
    """Return the bounding boxes in pixels of the texts that contain a string."""
    renderer = figure.canvas.get_renderer()
    texts = figure.axes[0].texts
    return {
        text.get_text(): text.get_window_extent(renderer) for text in texts if contained in text.get_text()
    }


def cliques(figure: Figure) -> list:
    """Return the lines that are clique bars."""
    return [line for line in figure.axes[0].lines if str(line.get_gid()).startswith("clique")]


def leaders(figure: Figure) -> list:
    """Return the lines from the axis to the labels."""
    return [line for line in figure.axes[0].lines if len(line.get_xdata()) == 3]


@pytest.mark.parametrize(("width", "n_designs"), SIZES)
def test_no_text_overlaps_another_or_leaves_the_figure(width, n_designs):
    figure = drawn(*compared(n_designs), width)
    placed = boxes(figure)
    for (first, box), (second, other) in combinations(placed.items(), 2):
        assert not box.overlaps(other), f"{first!r} overlaps {second!r}"
    for text, box in placed.items():
        assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1, text
        assert figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1, text


@pytest.mark.parametrize(("width", "n_designs"), SIZES)
def test_no_line_crosses_a_text(width, n_designs):
    figure = drawn(*compared(n_designs), width)
    for line in figure.axes[0].lines:
        path = line.get_transform().transform_path(line.get_path())
        for text, box in boxes(figure).items():
            assert len(path) < 2 or not path.intersects_bbox(box, filled=False), text


@pytest.mark.parametrize(("width", "n_designs"), SIZES)
def test_each_design_is_labelled_with_its_rank_and_the_best_stands_on_the_right(width, n_designs):
    comparison, look = compared(n_designs)
    figure = drawn(comparison, look, width)
    for name, rank in comparison["average_ranks"].items():
        assert any(name in text and f"{rank:.2f}" in text for text in boxes(figure))
    ends = sorted(line.get_xdata()[0] for line in leaders(figure))
    ranks = sorted(comparison["average_ranks"].values(), reverse=True)
    assert np.corrcoef(ends, ranks)[0, 1] == pytest.approx(-1)


def test_labels_stand_on_both_sides_where_they_fit_and_else_on_one():
    comparison, look = compared()
    wide, narrow = (drawn(comparison, look, width) for width in (7, 3.3))
    left = {text for text, box in boxes(wide, "al  ").items() if box.x1 < wide.bbox.width / 2}
    assert len(left) == 2
    assert (
        len({round(box.x0) for text, box in boxes(narrow).items() if any(name in text for name in look)}) == 1
    )


@pytest.mark.parametrize(("width", "n_designs"), SIZES)
def test_a_clique_bar_covers_its_designs_and_no_others(width, n_designs):
    comparison, look = compared(n_designs)
    figure = drawn(comparison, look, width)
    ranks = comparison["average_ranks"]
    at = dict(
        zip(
            sorted(ranks, key=ranks.get),
            sorted((x.get_xdata()[0] for x in leaders(figure)), reverse=True),
            strict=True,
        )
    )
    assert len(cliques(figure)) == len(comparison["cliques"])
    for bar, clique in zip(cliques(figure), comparison["cliques"], strict=True):
        start, stop = bar.get_xdata()
        assert {name for name, x in at.items() if start <= x <= stop} == set(clique)


@pytest.mark.parametrize(("width", "n_designs"), SIZES)
def test_clique_bars_on_one_level_keep_apart(width, n_designs):
    bars = cliques(drawn(*compared(n_designs), width))
    for first, second in combinations(bars, 2):
        if first.get_ydata()[0] == second.get_ydata()[0]:
            (start, stop), (other_start, other_stop) = first.get_xdata(), second.get_xdata()
            assert stop + 1 < other_start or other_stop + 1 < start


def test_bars_take_the_lowest_free_level():
    assert critical_difference.bar_levels([(0, 10), (20, 30), (5, 25), (40, 50)], gap=1) == [0, 0, 1, 0]
    assert critical_difference.bar_levels([(0, 10), (10.5, 20)], gap=1) == [0, 1]
    assert critical_difference.bar_levels([]) == []


def test_the_bar_of_the_critical_difference_is_as_long_as_it_on_the_axis():
    comparison, look = compared()
    figure = drawn(comparison, look)
    axis, *_ = figure.axes[0].lines
    unit = np.ptp(axis.get_xdata()) / 4  # ranks 1 to 5
    lengths = [np.ptp(line.get_xdata()) for line in figure.axes[0].lines if line.get_linewidth() == 1.6]
    assert lengths == [pytest.approx(comparison["nemenyi"]["critical_difference"] * unit)]
    assert f"CD = {comparison['nemenyi']['critical_difference']:.2f}" in boxes(figure)


def test_a_critical_difference_beyond_the_axis_is_said_and_not_drawn():
    figure = drawn(*compared(n_tasks=2))  # q(5) sqrt(5 6 / 12) = 4.31 > 4
    assert "CD = 4.31, wider than the axis" in boxes(figure)


def test_the_figure_states_its_test():
    comparison, look = compared()
    caption = " ".join(boxes(drawn(comparison, look))).replace("\u00a0", " ")
    friedman = comparison["friedman"]
    for said in (
        "N = 12 tasks", "k = 5 designs", "mean of 2 seeds", f"χ² = {friedman['chi_square']:.2f}", "df = 4",
        f"Kendall's W = {friedman['kendall_w']:.2f}", "p < 0.001", "Nemenyi's test at α = 0.05", "STS, mini",
    ):  # fmt: skip
        assert said in caption


def test_ranks_without_a_test_are_drawn_with_the_reason():
    figure = drawn(*compared(n_tasks=1))
    texts = boxes(figure)
    assert not any("CD" in text for text in texts)
    assert "single task" in " ".join(texts)
    assert len(leaders(figure)) == 5


def test_colour_says_the_attention_and_the_marker_the_pooling():
    _, look = compared()
    assert look["last-layer-causal"].colour == look["eos-causal"].colour
    assert look["last-layer-causal"].marker == look["last-layer-bidirectional"].marker
    assert len({(style.colour, style.marker) for style in look.values()}) == 5


def test_an_unknown_pooling_and_attention_get_a_look_of_their_own():
    designs = [
        {"name": p + a, "pooling": p, "attention": a}
        for p in ("eos", "new", "newer")
        for a in ("causal", "prefix")
    ]
    look = figures.looks(designs)
    assert len({(style.colour, style.marker) for style in look.values()}) == 6


def test_a_legend_tells_designs_of_one_pooling_and_attention_apart():
    names = [f"multi-layer-{number}" for number in range(10)]
    look = figures.looks(
        [{"name": name, "pooling": "multi_layer", "attention": "bidirectional"} for name in names]
    )
    handles = figures.design_handles(look)
    assert len({picture(handle) for handle in handles}) == 10
    assert len({(handle.get_color(), handle.get_marker()) for handle in handles}) == 1


def picture(handle) -> bytes:
    figure = Figure(figsize=(1, 0.4))
    figure.legend(handles=[handle], labels=[""], handlelength=3.5)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return bytes(canvas.buffer_rgba())


def test_every_pooling_has_a_marker_of_its_own():
    assert set(figures.POOLING_MARKERS) == set(POOLING_KINDS)
    assert len({*figures.POOLING_MARKERS.values(), *figures.SPARE_MARKERS}) == len(POOLING_KINDS) + 6


def test_scores_show_each_seed_and_the_mean():
    runs = pd.DataFrame({"design": ["eos-causal"] * 3, "seed": [1, 2, 3], "score": [0.1, 0.2, 0.6]})
    look = figures.looks([{"name": "eos-causal", "pooling": "eos", "attention": "causal"}])
    ax = figures.draw_scores(runs, look, Figure().subplots())
    seeds, mean = ax.lines
    assert list(seeds.get_xdata()) == [0.1, 0.2, 0.6]
    assert mean.get_xdata() == pytest.approx([0.3])


def test_the_mean_loss_covers_the_steps_that_all_seeds_have():
    losses = pd.DataFrame(
        {
            "design": "eos-causal",
            "seed": [1, 1, 2, 2, 2],
            "step": [10, 20, 10, 20, 30],
            "loss": [3.0, 2, 5, 4, 1],
        }
    )
    look = figures.looks([{"name": "eos-causal", "pooling": "eos", "attention": "causal"}])
    *seeds, mean = figures.draw_losses(losses, look, Figure().subplots()).lines
    assert [len(line.get_xdata()) for line in seeds] == [2, 3]
    assert (list(mean.get_xdata()), list(mean.get_ydata())) == ([10, 20], [4, 3])


def write_log(runs: Path, design: str, seed: int, lines: list[str]) -> None:
    path = runs / "mini" / design / f"seed{seed}" / "training.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(lines))


def events(last: int) -> list[str]:
    train = [{"event": "train", "step": step, "loss": 30 / step} for step in range(10, last + 1, 10)]
    return [json.dumps(event) for event in [*train, {"event": "heldout", "step": last, "heldout_loss": 0.5}]]


def test_a_step_trained_again_after_a_resume_counts_once(tmp_path):
    again = json.dumps({"event": "train", "step": 20, "loss": 9.0})
    write_log(tmp_path, "eos-causal", 1, [*events(20), again])
    losses = draw.read_losses(tmp_path, "mini", ["eos-causal"])
    assert losses["training loss"][["step", "loss"]].to_numpy().tolist() == [[10, 3.0], [20, 9.0]]
    assert losses["held-out loss"]["loss"].tolist() == [0.5]


@pytest.mark.parametrize("line", ["{", "[]", '{"step": 1}', '{"event": "train", "step": 10, "loss": "high"}'])
def test_a_broken_training_log_is_named_with_its_line(tmp_path, line):
    write_log(tmp_path, "eos-causal", 1, [*events(10), line])
    with pytest.raises(BadInput, match=r"training\.jsonl, line 3: no line of a training log"):
        draw.read_losses(tmp_path, "mini", ["eos-causal"])


def run_draw(folder: Path, output: str) -> dict[str, bytes]:
    """Draw a study as the rule does; return the files."""
    names = [
        "--statistics",
        "statistics.json",
        "--scores",
        "scores.csv",
        "--runs",
        "runs",
        "--output",
        output,
    ]
    environment = os.environ | {"PYTHONPATH": str(Path(draw.__file__).parents[1])}
    command = [sys.executable, "-m", "embedding_designs.draw", *names]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return {path.name: path.read_bytes() for path in (folder / output).iterdir()}


@pytest.fixture(scope="module")
def study_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    study, scores = study_and_scores(5, 12)
    scores.to_csv(folder / "scores.csv", index=False)
    (folder / "statistics.json").write_text(json.dumps(compare.compare_study(scores, study)))
    for name in NAMES:
        for seed in (1, 2):
            write_log(folder / "runs", name, seed, events(50))
    return folder


def test_the_command_draws_every_figure_and_the_same_bytes_again(study_folder):
    files = run_draw(study_folder, "figures")
    names = ("cd-mini-STS", "cd-mini-All", "scores-mini", "training-mini")
    assert set(files) == {f"{name}.{kind}" for name in names for kind in ("svg", "pdf")}
    assert run_draw(study_folder, "again") == files


def test_figures_carry_their_letters(study_folder):
    files = run_draw(study_folder, "lettered")
    for name, content in files.items():
        if name.endswith(".pdf"):
            assert b"/FontFile2" in content  # TrueType, embedded
            assert b"/Subtype /Type3" not in content
        else:
            assert b"<text" not in content  # paths, so no font is looked for
            assert b"url(http" not in content
