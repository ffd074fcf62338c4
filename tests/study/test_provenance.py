"""The command on a findings page, which runs the study again."""

import shlex
from pathlib import Path

from embedding_designs.study.provenance import command_line, made_by


def test_the_command_has_the_values_that_were_given():
    """Snakemake passes the numbers within a value of --config as text."""
    base = {"model": "some/model", "revision": "1234"}
    overrides = {"training": {"batch_size": "16", "learning_rate": "1e-4"}, "bases": {"mine": base}}
    command = command_line(made_by(Path("config/studies/smoke.yaml"), overrides, None))
    assert shlex.split(command)[4:] == [
        "study=config/studies/smoke.yaml",
        'training={"batch_size": 16, "learning_rate": 0.0001}',
        'bases={"mine": {"model": "some/model", "revision": "1234"}}',
    ]
