"""The memory that jobs may use is the machine's, or what a control group above this process leaves of it."""

import os

import pytest

from embedding_designs.common import machine


@pytest.mark.parametrize(
    ("line", "file"),
    [("0::/user/job", "user/memory.max"), ("4:memory:/user/job", "memory/user/memory.limit_in_bytes")],
    ids=["version 2", "version 1"],
)
def test_a_limit_of_a_group_above_is_found(line, file, tmp_path):
    (tmp_path / "cgroup").write_text(f"9:name=systemd:/\n{line}\n")
    groups = tmp_path / "groups"
    (groups / file).parent.mkdir(parents=True)
    (groups / file).write_text("8000000000\n")
    (groups / file.replace("user", "user/job")).parent.mkdir()
    (groups / file.replace("user", "user/job")).write_text("max\n")
    assert list(machine.limits(tmp_path / "cgroup", groups)) == [8_000_000_000]


def test_a_machine_without_control_groups_has_no_limit(tmp_path):
    assert list(machine.limits(tmp_path / "none")) == []


def test_jobs_may_use_no_more_than_the_machine_has():
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 10**6
    assert 0 < machine.memory_mb() < physical


def test_the_smallest_limit_counts(monkeypatch):
    monkeypatch.setattr(machine, "limits", lambda: [5_000_000_000, 3_000_000_000])
    assert machine.memory_mb() == 3000 - machine.RESERVED_MB
