"""What looks, scores and curves must show, and the files that a study gets."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from embedding_designs.common.errors import BadInput
from embedding_designs.comparison import compare
from embedding_designs.comparison.results import Design, Statistics
from embedding_designs.comparison.statistics_file import write_statistics
from embedding_designs.modules.poolings import POOLINGS
from embedding_designs.reporting import draw_figures as draw
from embedding_designs.reporting.figures import looks as figures
from embedding_designs.reporting.trained_figures import read_losses
from helpers.figure_examples import KEYS, comparison_of, looks, spread_ranks, study_and_scores


def test_color_shows_the_attention_and_the_marker_the_pooling():
    look = looks(5)
    assert look["last-layer-causal"].colour == look["eos-causal"].colour
    assert look["last-layer-causal"].marker == look["last-layer-bidirectional"].marker
    assert len({(style.colour, style.marker) for style in look.values()}) == 5


def test_an_unknown_pooling_and_attention_get_a_separate_look():
    designs = [Design(p + a, p, a) for p in ("eos", "new", "newer") for a in ("causal", "prefix")]
    look = figures.looks(designs)
    assert len({(style.colour, style.marker) for style in look.values()}) == 6


def test_a_legend_distinguishes_designs_with_the_same_pooling_and_attention():
    names = [f"multi-layer-{number}" for number in range(10)]
    look = figures.looks([Design(name, "multi_layer", "bidirectional") for name in names])
    handles = figures.design_handles(look)
    assert len({picture(handle) for handle in handles}) == 10
    assert len({(handle.get_color(), handle.get_marker()) for handle in handles}) == 1


def test_attentions_and_poolings_beyond_the_palette_are_noted():
    described = [
        replace(Design(f"{kind}{number}", "mean", "causal"), **{kind: f"new {number}"})
        for kind, most in (("attention", 5), ("pooling", 7))
        for number in range(most)
    ]
    attentions, poolings = figures.same_looks(figures.looks(described))
    assert "attentions new 0, new 4 alike" in attentions
    assert "poolings new 0, new 6 alike" in poolings
    assert figures.same_looks(looks(5)) == []


def test_designs_that_look_the_same_in_training_curves_are_noted():
    named = [Design(f"d{n}", "mean", "causal") for n in range(11)]
    assert figures.same_lines(figures.looks(named)) == ["training curves draw the designs d0, d10 alike"]
    assert figures.same_lines(figures.looks(named[:10])) == []


def picture(handle) -> bytes:
    figure = Figure(figsize=(1, 0.4))
    figure.legend(handles=[handle], labels=[""], handlelength=3.5)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return bytes(canvas.buffer_rgba())


def test_every_pooling_has_a_different_marker():
    assert set(figures.POOLING_MARKERS) == {*POOLINGS, "unknown"}
    assert len({*figures.POOLING_MARKERS.values(), *figures.SPARE_MARKERS}) == len(POOLINGS) + 7


def test_markers_differ_in_shape():
    """No two cover nearly the same area; the last three spare ones are nearly round."""
    markers = [*figures.POOLING_MARKERS.values(), *figures.SPARE_MARKERS[:3]]
    for one, other in combinations([ink(marker) for marker in markers], 2):
        assert (one & other).sum() < 0.9 * (one | other).sum()


def ink(marker) -> np.ndarray:
    figure = Figure(figsize=(0.5, 0.5), dpi=200)
    size = 10 * figures.MARKER_SCALES.get(marker, 1)
    figure.add_artist(Line2D([0.5], [0.5], marker=marker, markersize=size, color="black", mew=0))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., 0] < 128


def test_scores_show_each_seed_and_the_mean():
    runs = pd.DataFrame({"design": ["eos-causal"] * 3, "seed": [1, 2, 3], "score": [0.1, 0.2, 0.6]})
    look = figures.looks([Design("eos-causal", "eos", "causal")])
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
    look = figures.looks([Design("eos-causal", "eos", "causal")])
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
    losses = read_losses(tmp_path, "mini", ["eos-causal"], [1])
    assert losses["training loss"][["step", "loss"]].to_numpy().tolist() == [[10, 3.0], [20, 9.0]]
    assert losses["held-out loss"]["loss"].tolist() == [0.5]


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"step": 1}',
        '{"event": "train", "step": 10, "loss": "high"}',
        '{"event": "train", "step": 10, "loss": NaN}',
        "[" * 100_000,
    ],
)
def test_a_broken_training_log_is_named_with_its_line(tmp_path, line):
    write_log(tmp_path, "eos-causal", 1, [*events(10), line])
    with pytest.raises(BadInput, match=r"training\.jsonl:3: "):
        read_losses(tmp_path, "mini", ["eos-causal"], [1])


def test_only_the_seeds_of_the_study_have_curves(tmp_path):
    write_log(tmp_path, "eos-causal", 1, events(20))
    write_log(tmp_path, "eos-causal", 2, events(20))
    (tmp_path / "mini/eos-causal/seed2").rename(tmp_path / "mini/eos-causal/seed2 copy")
    losses = read_losses(tmp_path, "mini", ["eos-causal"], [1, 3])
    assert losses["training loss"]["seed"].unique().tolist() == [1]


def run_draw(folder: Path, output: str) -> dict[str, bytes]:
    """Draw a study as the rule does; return the files."""
    files = [
        "--statistics",
        "statistics.json",
        "--scores",
        "scores.csv",
        "--runs",
        "runs",
        "--output",
        output,
    ]
    environment = os.environ | {"PYTHONPATH": str(Path(draw.__file__).parents[2])}
    command = [sys.executable, "-m", "embedding_designs.reporting.draw_figures", *files]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return {path.name: path.read_bytes() for path in (folder / output).iterdir()}


@pytest.fixture(scope="module")
def study_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    study, scores = study_and_scores()
    scores.to_csv(folder / "scores.csv", index=False)
    write_statistics(folder / "statistics.json", compare.compare_study(scores, study))
    for name in KEYS:
        for seed in (1, 2):
            write_log(folder / "runs", name, seed, events(50))
    return folder


@pytest.fixture(scope="module")
def files(study_folder) -> dict[str, bytes]:
    return run_draw(study_folder, "figures")


def test_the_command_draws_every_figure_and_the_same_bytes_again(study_folder, files):
    names = (
        "cd-mini-STS", "cd-mini-All", "cd-wilcoxon-mini-All", "differences-mini", "interaction-mini",
        "scores-mini", "training-mini", "verdict-mini", "cd-column-mini-All",
    )  # fmt: skip
    drawn = {f"{name}.{kind}" for name in names for kind in ("svg", "pdf")}
    assert set(files) == drawn | {"verdict-mini.png"}
    assert run_draw(study_folder, "again") == files


def test_figures_carry_their_letters(files):
    for name, content in files.items():
        if name.endswith(".pdf"):
            assert b"/FontFile2" in content  # TrueType, embedded
            assert b"/Subtype /Type3" not in content
        if name.endswith(".svg"):
            assert b"<text" not in content  # paths, so no font is looked for
            assert b"url(http" not in content


def figures_of(*n_designs: int, left_out: str | None = None) -> dict[str, Figure]:
    """Return the figures of a study with a base for each number of designs, for STS and for all tasks."""
    described, rows, comparisons = {}, [], []
    for k in n_designs:
        base = f"pool of {k}"
        made = replace(comparison_of(spread_ranks(k)), base=base, left_out=left_out)
        comparisons += [replace(made, category="STS"), made]
        for name, style in looks(k).items():
            described[name] = Design(name, style.pooling, style.attention)
            rows += [(base, name, 0, task, "STS", 0.5) for task in comparisons[-1].tasks]
    scores = pd.DataFrame(rows, columns=["base", "design", "seed", "task", "category", "score"])
    statistics = Statistics(
        study="drawn", alpha=0.05, rope=0.01, designs=list(described.values()), unit="design", scope="",
        not_used=[], comparisons=comparisons, sha256={}, revisions={},
    )  # fmt: skip
    return dict(draw.study_figures(statistics, scores, 7))


def test_each_base_is_drawn_with_its_designs_in_figures_that_suit_their_number():
    drawn = figures_of(11, 12, 41)
    every = {"verdict-{}", "cd-column-{}-All", "cd-{}-STS", "cd-{}-All", "scores-{}"}
    few = every | {"cd-wilcoxon-{}-All", "differences-{}"}
    many = every | {"significance-{}-All"}
    wanted = {"pool of 11": few, "pool of 12": few | many, "pool of 41": many}
    assert set(drawn) == {name.format(base) for base, names in wanted.items() for name in names}
    assert len(drawn["scores-pool of 11"].axes[1].get_yticks()) == 11


def test_of_very_many_designs_only_the_diagram_over_all_tasks_is_drawn():
    drawn = figures_of(41, left_out="Sub-pools are left out.")
    diagrams = {name for name in drawn if name.startswith("cd-")}
    assert diagrams == {"cd-column-pool of 41-All", "cd-pool of 41-All"}


def test_figures_left_out_for_many_designs_are_noted(capfd):
    figures_of(40, 41)
    (line,) = [line for line in capfd.readouterr().err.splitlines() if line.startswith("note:")]
    assert "pool of 41: 41 designs are too many" in line


def test_a_model_with_a_slash_in_its_name_is_drawn(tmp_path):
    study, scores = study_and_scores(n_tasks=3, seeds=(0,))
    scores["design"] = "org/" + scores["design"]
    statistics = compare.compare_study(scores, {"name": study["name"]})
    draw.draw_study(statistics, scores, tmp_path, 3.3)
    assert (tmp_path / "cd-mini-All.svg").exists()


def test_attentions_differ_in_grey():
    def grey(colour: str) -> float:
        """Return the luminance of an sRGB colour (IEC 61966-2-1)."""
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in to_rgb(colour)]
        return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    darkest, middle, lightest = sorted(grey(colour) for colour in figures.ATTENTION_COLOURS.values())
    for darker, lighter in ((darkest, middle), (middle, lightest)):
        assert (lighter + 0.05) / (darker + 0.05) > 1.5  # contrast ratio of WCAG 2
