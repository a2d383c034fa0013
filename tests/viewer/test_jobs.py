"""The thread boundary: what is delivered, on which thread, and what never is."""

import logging
import threading
import time

import pytest
import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, QThreadPool
from PySide6.QtWidgets import QApplication

from viewer.errors import ViewerError
from viewer.jobs import Job, JobQueue

ENDS = ("finished", "failed", "crashed", "cancelled")
THE_WORLDS_FAULT = ViewerError("film.dcm could not be opened: it is empty (0 bytes).")


@pytest.fixture
def queue(qapp):
    made = JobQueue(1)
    yield made
    assert made.shut_down()
    QApplication.processEvents()


class Witness:
    """Write down what a job delivers, in order, and the thread each came on."""

    def __init__(self, job):
        self.heard, self.threads = [], set()
        job.progressed.connect(self._progressed)
        job.finished.connect(self._finished)
        job.failed.connect(self._failed)
        job.crashed.connect(self._crashed)
        job.cancelled.connect(self._cancelled)

    def _note(self, kind, content):
        self.heard.append((kind, content))
        self.threads.add(threading.get_ident())

    def _progressed(self, content):
        self._note("progressed", content)

    def _finished(self, content):
        self._note("finished", content)

    def _failed(self, content):
        self._note("failed", content)

    def _crashed(self, content):
        self._note("crashed", content)

    def _cancelled(self):
        self._note("cancelled", None)

    @property
    def has_ended(self):
        return any(kind in ENDS for kind, _ in self.heard)


def watched(queue, work):
    job = queue.submit(work, "test work")
    return job, Witness(job)


def run(qtbot, queue, work):
    """Run work to its end and return what was delivered."""
    job, witness = watched(queue, work)
    queue.start(job)
    qtbot.waitUntil(lambda: witness.has_ended, timeout=3000)
    return witness


class Work:
    """A generator that tells where it ran and whether it was closed, and waits for permission to go on."""

    def __init__(self, then=None):
        self.go_on, self.begun, self.is_past_half, self.closed = (threading.Event() for _ in range(4))
        self.thread = 0
        self._then = then

    def __call__(self):
        try:
            self.thread = threading.get_ident()
            self.begun.set()
            yield "half"
            self.is_past_half.set()
            self.go_on.wait(3)
            if self._then is not None:
                raise self._then
            return "whole"
        finally:
            self.closed.set()


def let_it_go(work):
    """Let waiting work run to its end, its last word queued but not yet delivered."""
    work.go_on.set()
    assert work.closed.wait(3)
    time.sleep(0.05)


# --------------------------------------------------------------------------------------------------------- delivery


def test_progress_and_result_arrive_in_order_on_the_thread_of_the_window(qtbot, queue):
    work = Work()
    work.go_on.set()
    witness = run(qtbot, queue, work())
    assert witness.heard == [("progressed", "half"), ("finished", "whole")]
    assert witness.threads == {threading.get_ident()}


def test_the_work_itself_runs_on_another_thread(qtbot, queue):
    work = Work()
    work.go_on.set()
    run(qtbot, queue, work())
    assert work.thread not in (0, threading.get_ident())


def test_what_went_wrong_in_the_world_arrives_as_the_same_object(qtbot, queue):
    work = Work(THE_WORLDS_FAULT)
    work.go_on.set()
    witness = run(qtbot, queue, work())
    assert [kind for kind, _ in witness.heard] == ["progressed", "failed"]
    assert witness.heard[1][1] is THE_WORLDS_FAULT


def test_a_fault_of_ours_arrives_with_its_traceback_and_is_logged(qtbot, queue, caplog):
    work = Work(ZeroDivisionError("nothing to divide"))
    work.go_on.set()
    witness = run(qtbot, queue, work())
    kind, text = witness.heard[-1]
    assert kind == "crashed"
    assert "test_jobs.py" in text
    assert text.endswith("ZeroDivisionError: nothing to divide\n")
    assert [(r.levelno, r.getMessage()) for r in caplog.records] == [(logging.ERROR, f"test work crashed\n{text}")]


@pytest.mark.parametrize("end", [None, THE_WORLDS_FAULT, ValueError("ours")])
def test_the_generator_is_closed_when_it_ends_and_when_it_fails(qtbot, queue, end):
    work = Work(end)
    work.go_on.set()
    run(qtbot, queue, work())
    assert work.closed.is_set()


# ----------------------------------------------------------------------------------------------------- cancellation


@pytest.mark.parametrize("end", [None, THE_WORLDS_FAULT, ValueError("ours")])
def test_after_cancel_nothing_but_cancelled_is_delivered_even_if_the_end_is_queued(qtbot, queue, end):
    work = Work(end)
    job, witness = watched(queue, work())
    queue.start(job)
    assert work.begun.wait(3)
    let_it_go(work)
    job.cancel()
    qtbot.waitUntil(lambda: witness.has_ended, timeout=3000)
    qtbot.wait(50)
    assert witness.heard == [("cancelled", None)]


def test_cancel_stops_the_work_at_its_next_yield_and_closes_it(qtbot, queue):
    steps, closed = [], threading.Event()

    def endless():
        try:
            while True:
                steps.append(len(steps))
                yield len(steps)
                time.sleep(0.005)
        finally:
            closed.set()

    job, witness = watched(queue, endless())
    queue.start(job)
    qtbot.waitUntil(lambda: len(witness.heard) >= 3, timeout=3000)
    job.cancel()
    assert closed.wait(3)
    done = len(steps)
    qtbot.waitUntil(lambda: witness.has_ended, timeout=3000)
    assert (witness.heard[-1], len(steps)) == (("cancelled", None), done)


def test_a_job_cancelled_while_it_waits_never_begins(qtbot, queue):
    first, second = Work(), Work()
    queue.start(watched(queue, first())[0])
    job, witness = watched(queue, second())
    queue.start(job)
    assert first.begun.wait(3)
    job.cancel()
    first.go_on.set()
    qtbot.waitUntil(lambda: witness.has_ended, timeout=3000)
    assert witness.heard == [("cancelled", None)]
    assert not second.begun.is_set()


# ------------------------------------------------------------------------------------------------------------ queue


def test_jobs_of_a_queue_with_one_thread_never_overlap(qtbot, queue):
    inside, most = [], []

    def careful():
        inside.append(1)
        most.append(len(inside))
        yield None
        time.sleep(0.005)
        most.append(len(inside))
        inside.pop()

    witnesses = [watched(queue, careful()) for _ in range(8)]
    for job, _ in witnesses:
        queue.start(job)
    qtbot.waitUntil(lambda: all(w.has_ended for _, w in witnesses), timeout=3000)
    assert most == [1] * 16


def test_a_queue_with_two_threads_runs_two_jobs_at_once(qtbot):
    queue, works = JobQueue(2), [Work(), Work()]
    for work in works:
        queue.start(queue.submit(work(), "side by side"))
    assert all(work.begun.wait(3) for work in works)
    for work in works:
        work.go_on.set()
    assert queue.shut_down()


def test_shut_down_cancels_what_runs_and_what_waits_and_leaves_no_thread_at_work(qapp):
    queue, works = JobQueue(1), [Work(), Work()]
    for work in works:
        queue.start(queue.submit(work(), "last"))
    assert works[0].begun.wait(3)
    works[0].go_on.set()
    assert queue.shut_down(3000) is True
    assert works[0].closed.is_set()
    assert not works[1].begun.is_set()
    assert queue.findChild(QThreadPool).activeThreadCount() == 0


def test_shut_down_tells_that_a_job_has_not_ended_in_time(qapp):
    queue, work = JobQueue(1), Work()
    queue.start(queue.submit(work(), "stubborn"))
    assert work.is_past_half.wait(3)
    assert queue.shut_down(30) is False
    work.go_on.set()
    assert queue.shut_down(3000) is True


def test_two_hundred_jobs_leave_none_behind(qtbot, queue):
    ended = []

    def quick():
        yield None
        return 1

    for _ in range(200):
        job = queue.submit(quick(), "quick")
        job.finished.connect(ended.append)
        queue.start(job)
    del job
    qtbot.waitUntil(lambda: len(ended) == 200, timeout=5000)
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert queue.findChildren(Job) == []


def test_a_queue_that_goes_while_a_job_still_runs_makes_no_noise(qapp, capfd):
    queue, entered, may_end = JobQueue(1), threading.Event(), threading.Event()

    def work():
        entered.set()
        may_end.wait(10)
        yield "half"

    queue.start(queue.submit(work(), "stubborn"))
    assert entered.wait(10)
    assert not queue.shut_down(timeout_ms=1)
    threading.Timer(0.2, may_end.set).start()
    shiboken6.delete(queue)  # its pool waits for the job
    assert capfd.readouterr().err == ""


def test_nothing_begins_after_the_end(qtbot, queue):
    began = []

    def endless(name):
        began.append(name)
        while True:
            time.sleep(0.001)
            yield

    first = queue.submit(endless("last"), "last")
    first.cancelled.connect(lambda: queue.start(queue.submit(endless("one too many"), "one too many")))
    queue.start(first)
    qtbot.waitUntil(lambda: began == ["last"])
    assert queue.shut_down()
    qtbot.wait(50)
    assert began == ["last"]
