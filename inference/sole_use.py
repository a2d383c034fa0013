"""One user of a network at a time, said aloud.

Hooks lie on a module and write to one list: when two threads run the same network, grad-cam returns wrong maps and no
exception (39 of 40 were wrong in a trial). Threads are the viewer's affair and are not named here; what uses a network
takes it, and who comes second is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary


class NetworkInUse(RuntimeError):
    """A fault of ours: a network was used while it was in use. Not an InferenceError, for no user can mend it."""


_FREE: WeakKeyDictionary[object, list[None]] = WeakKeyDictionary()
"""For each network or predictor a list of one token while it is free, and of none while it is used."""


@contextmanager
def sole_use(network: object) -> Iterator[None]:
    """Use a network (or a predictor with all of its own) alone; never wait.

    Never hold it over a ``yield`` of progress: the next step may come much later.

    Raises
    ------
    NetworkInUse
        If it is in use already, by another thread or further up in this one.
    """
    free = _FREE.setdefault(network, [None])
    try:
        free.pop()  # atomic: of two that come at once, one gets the token
    except IndexError:
        name = type(network).__name__
        raise NetworkInUse(f"A {name} was used while it was in use; films are read one after another, in one thread.") from None
    try:
        yield
    finally:
        free.append(None)
