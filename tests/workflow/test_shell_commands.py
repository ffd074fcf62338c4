"""No value can inject shell code: every value in a rule's command is quoted."""

import re
from pathlib import Path

import pytest

RULES = Path(__file__).parents[2] / "workflow" / "rules"
STRING = r'"(?:[^"\\]|\\.)*"'


def shell_commands() -> dict[str, str]:
    """Return the text of each rule's shell command, by file and rule."""
    commands = {}
    for file in sorted(RULES.glob("*.smk")):
        for rule, body in re.findall(r"(?ms)^rule (\w+):\n(.*?)(?=^\S|\Z)", file.read_text()):
            if shell := re.search(rf"(?m)^    shell:\n((?:\s+{STRING}\n?)+)", body):
                commands[f"{file.name}:{rule}"] = "".join(re.findall(STRING, shell[1]))
    return commands


def test_every_shell_command_is_found():
    text = "".join(file.read_text() for file in RULES.glob("*.smk"))
    assert len(shell_commands()) == len(re.findall(r"(?m)^    shell:", text))
    assert len(shell_commands()) > 10


@pytest.mark.parametrize(("rule", "command"), shell_commands().items(), ids=shell_commands())
def test_each_value_in_a_shell_command_is_quoted(rule, command):
    values = re.findall(r"(?<!\{)\{([^{}]+)\}(?!\})", command)
    assert [value for value in values if not value.endswith(":q")] == []


def test_no_rule_runs_python_or_builds_its_shell_command_elsewhere():
    for file in RULES.glob("*.smk"):
        assert not re.search(r"(?m)^\s+(run|script|notebook):|\bshell\(", file.read_text()), file
