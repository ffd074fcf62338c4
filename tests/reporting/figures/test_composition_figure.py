"""What the figure of the training data's composition must show."""

import pytest
from matplotlib.figure import Figure

from embedding_designs.comparison import compare
from embedding_designs.data.composition import composition
from embedding_designs.reporting.draw_figures import draw_study
from embedding_designs.reporting.figures.composition import composition_figure, draw_lengths, draw_shares
from embedding_designs.reporting.trained_figures import Trained
from helpers.figure_examples import collisions, rendered, said, study_and_scores

WIDTHS = [3.3, 7]
NAMES = ["nli", "qa", "titles_of_papers_and_their_abstracts", "a$b_c$", *(f"source {n}" for n in range(30))]


def report(n_sources: int, negative: bool = True) -> dict:
    """Return the composition of sources with n, n - 1, … rows, whose n-th row has n + 1 words a text."""
    texts = ("query", "positive", "negative") if negative else ("query", "positive")
    rows = [
        {text: " ".join(["word"] * (1 + row * 2**place)) for place, text in enumerate(texts)}
        | {"source": name}
        for number, name in enumerate(NAMES[:n_sources])
        for row in range(n_sources - number + 2)
    ]
    return composition(rows, rows[:1])


def test_bars_are_as_long_as_the_shares_and_say_so():
    found = report(2)["composition"]  # 4 and 3 rows
    ax = draw_shares(found, Figure().subplots())
    rows, words = ([bar.get_width() for bar in bars] for bars in ax.containers)
    assert rows == pytest.approx([4 / 7, 3 / 7], abs=1e-4)
    assert sum(words) == pytest.approx(1, abs=1e-4)
    assert {"57%", "43%"} <= {text.get_text() for text in ax.texts}
    assert all(upper.get_y() < lower.get_y() for upper, lower in zip(*ax.containers, strict=True))


def test_lengths_are_drawn_from_the_quantiles():
    lengths = {"nli": {"p5": 2, "p25": 5, "median": 8, "p75": 20, "p95": 90}}
    wide, thick, median = draw_lengths(lengths, (1, 100), Figure().subplots()).lines
    assert (list(wide.get_xdata()), list(thick.get_xdata())) == ([2, 90], [5, 20])
    assert wide.get_linewidth() < thick.get_linewidth()
    assert list(median.get_xdata()) == [8]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("n_sources", [1, 2, 4, 9, 30])
def test_texts_do_not_collide_at_any_width(n_sources, width):
    found = report(n_sources)
    figure = rendered(composition_figure, found["composition"], found["words_per_text"], width)
    assert collisions(figure) == []


def test_all_panels_of_lengths_have_one_axis_and_the_caption_counts():
    found = report(3, negative=False)
    figure = rendered(composition_figure, found["composition"], found["words_per_text"], 7)
    _, shares, query, positive = figure.axes
    assert query.get_xlim() == positive.get_xlim() != shares.get_xlim()
    assert [ax.get_title(loc="left").split("\n")[0] for ax in (query, positive)] == ["Query", "Positive"]
    assert "Training data: 12 rows" in said(figure) and "from 3 sources" in said(figure)


def test_the_figure_is_among_those_of_a_study_whose_rows_name_their_source(tmp_path):
    study, scores = study_and_scores()
    statistics = compare.compare_study(scores, study)
    for data, drawn in ((report(3), True), ({"rows": {}}, False)):
        folder = tmp_path / str(drawn)
        folder.mkdir()
        draw_study(statistics, scores, folder, 3.3, Trained(data=data))
        assert {path.suffix for path in folder.glob("data-composition.*")} == (
            {".svg", ".pdf"} if drawn else set()
        )
