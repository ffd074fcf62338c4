"""The example of docs/library.md runs, and says what comes out."""

import re

from matplotlib import pyplot

from helpers.paths import ROOT


def test_the_example_runs_and_its_comments_hold(tmp_path, monkeypatch):
    pyplot.switch_backend("agg")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "library.md").read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 2
    names: dict = {}
    for block in blocks:
        exec(block, names)
    result = names["result"]
    assert result.best_set.tasks == ["layers"]
    assert "only layers could be the best" in result.verdict[0]
    assert result.left_out == []
    assert (tmp_path / "findings.html").exists()
    pyplot.close("all")
