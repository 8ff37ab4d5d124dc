"""What a parent imports first, and what when nobody asks for anything."""

import pytest

from aiopslab.kernels import imports
from aiopslab.kernels.imports import Imports


@pytest.fixture
def done(monkeypatch):
    """The steps that were taken; what a kernel needs is a step for each name."""
    done = []

    def needed(names):
        return (lambda name=name: done.append(name) for name in names)

    monkeypatch.setattr(imports.preload, "needed", needed)
    monkeypatch.setattr(imports.preload, "take", lambda step: step())  # a test has threads
    return done


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    clock = [0.0]
    monkeypatch.setattr(imports.time, "monotonic", lambda: clock[0])
    return clock


def test_the_rest_waits_until_it_is_quiet(done, clock):
    left = Imports(iter([lambda: done.append("rest")]))
    left.go_on()
    assert done == []
    assert left.due_in() == imports.QUIET_S
    clock[0] = imports.QUIET_S - 0.5
    left.finish(1)  # a fork, which begins the waiting anew
    assert left.due_in() == imports.QUIET_S
    clock[0] += imports.QUIET_S
    assert left.due_in() == 0
    left.go_on()
    assert done == ["rest"]
    assert left.are_left
    left.go_on()
    assert not left.are_left
    assert left.due_in() is None


def test_a_fork_waits_for_what_its_own_runner_needs(done, clock):
    left = Imports(iter([]))
    left.need(1, ["a", "b"])
    left.need(2, ["x", "y"])
    left.need(2, ["z"])
    assert left.due_in() == 0
    left.go_on()
    assert done == ["a"]
    left.finish(2)
    assert done == ["a", "x", "y", "z"]
    left.finish(1)
    assert done == ["a", "x", "y", "z", "b"]


def test_who_tells_what_they_need_is_left_the_processors(done, clock):
    left = Imports(iter([lambda: done.append("rest")]))
    left.need(1, ["a"])
    left.go_on()
    left.go_on()
    left.finish(1)
    assert done == ["a"]
    assert left.due_in() == imports.PATIENT_S
    left.finish(1)  # again, without telling
    assert left.due_in() == imports.QUIET_S
