"""Garbage is collected on the thread of the windows alone: a window that a job's thread deletes ends the process."""

import gc
import threading

import pytest
from PySide6.QtCore import QCoreApplication

from viewer.app import collect_on_this_thread
from viewer.garbage import collect_what_is_due
from viewer.jobs import JobQueue


class Knot:
    """Garbage that only a collection finds."""

    def __init__(self) -> None:
        self.itself = self


def tie_knots(number: int):
    for _ in range(number):
        Knot()
        yield


@pytest.fixture
def collections():
    """Return the generation and the thread of each collection of garbage during a test."""
    seen = []

    def note(phase, facts):
        if phase == "start":
            seen.append((facts["generation"], threading.get_ident()))

    gc.callbacks.append(note)
    yield seen
    gc.callbacks.remove(note)


def test_what_a_job_leaves_is_collected_on_the_thread_of_the_windows(qapp, qtbot, collections):
    collect_on_this_thread(qapp)
    queue = JobQueue(1)
    job = queue.submit(tie_knots(20_000), "knots")
    with qtbot.waitSignal(job.finished, timeout=30_000):
        queue.start(job)
    qtbot.waitUntil(lambda: bool(collections), timeout=10_000)
    assert {thread for _, thread in collections} == {threading.get_ident()}
    assert queue.shut_down()
    QCoreApplication.processEvents()


def test_nothing_is_collected_before_it_is_due(collections):
    gc.collect()
    collections.clear()
    collect_what_is_due()
    assert collections == []


def test_older_garbage_is_collected_when_its_turn_comes(collections):
    gc.collect()
    collections.clear()
    young, older, _ = gc.get_threshold()
    for _ in range(older + 2):
        list(tie_knots(young + 1))
        collect_what_is_due()
    assert [generation for generation, _ in collections].count(1) == 1
