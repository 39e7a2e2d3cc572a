"""What a check or a model may do to the process that runs it: neither outlast its time nor end it.

The time limit is an alarm signal. It interrupts Python code; a long call of a library (LAPACK, a
network's forward pass) ends first, and the check is stopped then. What a check was computing for
others is not kept half done: shared results are stored when they are whole (`evidence`).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any, TypeVar

from axis_audit.errors import InputError

Result = TypeVar("Result")
_real_exit = os._exit
_AGAIN = 1.0
"""Seconds until the alarm rings again, for code that swallows every exception."""
_PATIENCE = 10
"""After so many rings swallowed the process ends: nothing else stops such code."""
_DURING_IMPORT = 0.05


class CheckTimeout(BaseException):
    """A check over its time. Not an Exception: code under audit must not take it for its own."""


class ExitCall(BaseException):
    """Code under audit called `os._exit`, which would have ended the audit without a report."""


def require_alarm() -> None:
    """Refuse `--check-timeout` where there is no alarm signal to keep it.

    Raises:
        InputError: on a platform without SIGALRM, or outside the main thread.
    """
    cause = ""
    if not hasattr(signal, "setitimer"):
        cause = f"{sys.platform} has no alarm signal, so no check can be interrupted"
    elif threading.current_thread() is not threading.main_thread():
        cause = "pytest does not run in the main thread, where alone a check can be interrupted"
    if cause:
        raise InputError("--check-timeout", cause, "leave it away, or limit the whole job's time")


def contained(function: Callable[[], Result], seconds: float | None) -> Result:
    """Call a function for at most so many seconds (None: any time) and survive its `os._exit`.

    An alarm that is already set (pytest-timeout sets one) is kept: the earlier of the two rings.
    Code that swallows every exception cannot be stopped; ten seconds over its time the process
    ends, and the report on disk names what was running.

    Raises:
        CheckTimeout: the time was over, even if the function swallowed the interruption.
        ExitCall: it called `os._exit` in the main thread.
    """
    with _no_exit():
        return function() if seconds is None else _with_alarm(function, seconds)


def _with_alarm(function: Callable[[], Result], seconds: float) -> Result:
    rings, active = 0, True

    def ring(_: int, frame: FrameType | None) -> None:
        nonlocal rings
        if not active or not _inside(frame, lambda code: code is _with_alarm.__code__):
            return
        if _inside(frame, lambda code: code.co_filename.startswith("<frozen importlib")):
            # A library half imported could not be imported again.
            signal.setitimer(signal.ITIMER_REAL, _DURING_IMPORT, _AGAIN)
            return
        rings += 1
        if rings > _PATIENCE:
            _real_exit(1)
        raise CheckTimeout(f"timed out after {seconds:g} s")

    theirs, _ = signal.getitimer(signal.ITIMER_REAL)
    if 0.0 < theirs <= seconds:
        return function()
    handler, started = signal.signal(signal.SIGALRM, ring), time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        try:
            result = function()
        finally:
            active = False
    finally:  # reached even if the alarm rings in the line above
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, handler)
        if theirs:
            signal.setitimer(
                signal.ITIMER_REAL, max(theirs - (time.monotonic() - started), _DURING_IMPORT)
            )
    if rings:
        raise CheckTimeout(f"timed out after {seconds:g} s")
    return result


def _inside(frame: FrameType | None, wanted: Callable[[CodeType], bool]) -> bool:
    while frame is not None:
        if wanted(frame.f_code):
            return True
        frame = frame.f_back
    return False


@contextmanager
def _no_exit() -> Iterator[None]:
    process = os.getpid()

    def exit_refused(status: int = 0) -> Any:
        if os.getpid() != process:  # a child that was forked here may end itself
            _real_exit(status)
        if threading.current_thread() is threading.main_thread():
            raise ExitCall(f"the code under audit called os._exit({status})")
        _real_exit(status or 1)

    os._exit = exit_refused
    try:
        yield
    finally:
        os._exit = _real_exit


@contextmanager
def terminations_as_interrupts() -> Iterator[None]:
    """While open, SIGTERM and SIGHUP end the run as Ctrl-C does: with a report.

    Handlers of others are left alone.
    """
    taken = []

    def interrupt(number: int, _: FrameType | None) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, interrupt)
                taken.append(number)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def place_of(error: BaseException) -> str:
    """Where an error was raised, in words: the function, the file and the line."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    code = trace.tb_frame.f_code
    return f"in {code.co_name} ({code.co_filename.rpartition('/')[2]}:{trace.tb_lineno})"
