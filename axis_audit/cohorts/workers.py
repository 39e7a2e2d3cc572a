"""Strips prepared in a few processes, in order, with a bar. Workers import no torch."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from multiprocessing import get_context
from types import ModuleType

import numpy as np

from axis_audit.cohorts.prepare import Preparation, Prepared, Read, prepare_chunk, stacked

WORKERS = 2
FEWEST_FOR_WORKERS = 400
"""Below this, starting processes costs more than it saves."""
CHUNK = 100


class Preparer(AbstractContextManager["Preparer"]):
    """Prepares lists of files, with worker processes when there are enough of them.

    Args:
        total: files to come, over all calls. progress: a bar on standard error.
        workers: processes at most; with 1, `read` need not be picklable.
    """

    def __init__(self, total: int, progress: bool = True, workers: int = WORKERS) -> None:
        from tqdm import tqdm

        workers = min(workers, os.cpu_count() or 1)
        self._pool = (
            ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
            if total >= FEWEST_FOR_WORKERS and workers > 1
            else None
        )
        self._bar = tqdm(
            total=total, desc="preparing recordings", unit="record", file=sys.stderr,
            disable=not progress or total == 0, dynamic_ncols=True,
        )  # fmt: skip

    def __exit__(self, *_: object) -> None:
        self._bar.close()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def run(self, read: Read, paths: Sequence[str], how: Preparation) -> Prepared:
        """Prepare files in order."""
        chunks = [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]
        done: list[Prepared] = []
        for chunk, prepared in zip(chunks, self._results(read, chunks, how), strict=True):
            done.append(prepared)
            self._bar.update(len(chunk))
        return _concatenated(done)

    def _results(
        self, read: Read, chunks: list[Sequence[str]], how: Preparation
    ) -> Iterator[Prepared]:
        n, finished = len(chunks), 0
        if self._pool is not None:
            try:
                with _without_main():
                    results = self._pool.map(prepare_chunk, [read] * n, chunks, [how] * n)
                for prepared in results:
                    finished += 1
                    yield prepared
            except BrokenProcessPool:
                self._pool = None
                warnings.warn("worker processes died, preparing in this one", stacklevel=2)
        for chunk in chunks[finished:]:
            yield prepare_chunk(read, chunk, how)


@contextmanager
def _without_main() -> Iterator[None]:
    """Start processes that do not run the caller's script again.

    Spawned processes import the main module: a script without a `__main__` guard would start
    over in each, and one that imports torch would cost each three seconds.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _concatenated(parts: list[Prepared]) -> Prepared:
    starts = np.cumsum([0] + [len(p.reasons) for p in parts])[:-1]
    return Prepared(
        stacked([p.rows for p in parts]),
        np.concatenate([p.source + start for p, start in zip(parts, starts, strict=True)]),
        np.concatenate([p.hashes for p in parts]),
        [reason for p in parts for reason in p.reasons],
        np.concatenate([p.seconds for p in parts]),
    )
