"""The command on a findings page, which runs the study again."""

import shlex
from pathlib import Path

from embedding_designs.study.provenance import command_line, made_by


def test_the_command_has_the_values_that_were_given():
    """Snakemake passes the numbers within a value of --config as text."""
    overrides = {"training": {"batch_size": "16", "precision": "bf16"}, "seeds": ["1", "2"]}
    command = command_line(made_by(Path("config/studies/smoke.yaml"), overrides, None))
    assert shlex.split(command)[4:] == [
        "study=config/studies/smoke.yaml",
        'training={"batch_size": 16, "precision": "bf16"}',
        "seeds=[1, 2]",
    ]
