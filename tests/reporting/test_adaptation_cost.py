"""The cost of an adaptation is shown once, with the designs that share it."""

import json

import pytest

from embedding_designs.reporting.page.cost import COSTS, adaptation_rows
from embedding_designs.reporting.page.table import DASH

SUMMARY = {"event": "summary", "step": 4, "seconds": 31.5, "tokens_per_second": 1200, "peak_memory_mb": 700,
           "parameters": 4_100_000, "trainable_parameters": 4_000_000, "pooling_parameters": 0}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """Return the folder of a base's adaptations, one finished and one not."""
    for name, last in [("mntp-1", SUMMARY), ("mntp-2", {"event": "train", "step": 2, "loss": 3.0})]:
        losses = [{"event": "heldout", "step": step, "heldout_loss": 6.0 - step} for step in (1, 2)]
        (tmp_path / name).mkdir()
        lines = [json.dumps(event) + "\n" for event in (*losses, last)]
        (tmp_path / name / "training.jsonl").write_text("".join(lines))
    return tmp_path


def test_a_finished_adaptation_has_a_row_with_its_designs_and_losses(folder):
    (row,) = adaptation_rows(folder, {"mntp-1": ["mean", "eos"], "mntp-2": ["other"], "mntp-3": ["last"]})
    assert row.label == "mntp-1 (mean and eos); held-out loss 5.00, at the end 4.00"
    assert row.cells == ["4", "4,100,000", "4,000,000", "0", "32", "1,200", "700", DASH]
    assert len(row.cells) == len(COSTS) + 1
