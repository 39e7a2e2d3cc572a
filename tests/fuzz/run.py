"""Fuzzes the readers: python tests/fuzz/run.py TARGET --inputs 10000.

An input is sound, or an InputError with subject, cause and cure says what is wrong with it. Nothing
else may happen: another exception, a warning, code run, a file written elsewhere, a process or
socket opened, more than ten seconds of processor time or 300 MB. Prints counts as JSON; exit status
1 on the first input that breaks this, shrunk by hypothesis.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "cohorts")]
SECONDS, STUCK = 10, 300
"""Of processor time, so that a busy machine is no hang; and by the clock, for one that waits."""
MEGABYTES = 300
_FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "os.spawn", "subprocess.Popen",
              "socket.connect", "socket.getaddrinfo", "ctypes.dlopen", "pty.spawn")  # fmt: skip
_WRITING = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.chmod",
            "os.truncate", "shutil.rmtree", "shutil.move")  # fmt: skip


class Misbehaviour(BaseException):
    """Something that no input may cause."""


class Guard:
    """Listens to the interpreter while an input is read."""

    def __init__(self, cache: Path) -> None:
        self.cache, self.on, self.seen = str(cache), False, ""
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        bad = event in _FORBIDDEN
        if event in _WRITING:
            bad = not str(arguments[0]).startswith(self.cache)
        elif event == "open":
            mode, flags = arguments[1], arguments[2] or 0
            writing = (isinstance(mode, str) and set(mode) & set("wax+")) or flags & 0b11
            bad = bool(writing) and not str(arguments[0]).startswith(self.cache)
        elif event == "exec":
            bad = not _importing()
        if bad:
            self.seen = f"{event} {arguments!r:.200}"
            raise Misbehaviour(self.seen)


def _importing() -> bool:
    frame: Any = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        # numpy, pandas and dataclasses build small functions of their own from text
        if frame.f_code.co_name in ("_create_fn", "namedtuple"):
            return True
        frame = frame.f_back
    return False


def _late(*_: object) -> None:
    raise Misbehaviour(f"more than {SECONDS} s of processor time, or {STUCK} s by the clock")


class Fuzzer:
    """Damages the base files of a target and reads them."""

    def __init__(self, name: str, folder: Path) -> None:
        from tests.fuzz.targets import TARGETS

        self.target = TARGETS[name]
        self.base, self.work, self.cache = folder / "base", folder / "work", folder / "cache"
        os.environ["AXIS_AUDIT_CACHE"] = str(self.cache)
        self.base.mkdir()
        self.target.prepare(self.base)
        self.files = {str(p.relative_to(self.base)): p.read_bytes() for p in self.base.rglob("*.*")}
        shutil.copytree(self.base, self.work)
        self.written = dict(self.files)
        self.counts: Counter[str] = Counter()
        self.causes: Counter[str] = Counter()
        os.chdir(folder)
        self.target.open(self.base)  # imports what it needs, and is sound
        self.guard = Guard(self.cache)

    def once(self, case: Any) -> None:
        shutil.rmtree(self.cache, ignore_errors=True)
        changed = dict(self.files)
        for file, mutation in case:
            changed[file] = mutation(changed[file])
        for file, content in changed.items():
            if content != self.written[file]:
                (self.work / file).write_bytes(content)
        self.written = changed
        self.counts["inputs"] += 1
        self.counts["unchanged"] += changed == self.files
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self.counts[self._outcome()] += 1
        if Path("CANARY").exists() or self.guard.seen:
            raise Misbehaviour(f"code was run: {self.guard.seen or 'CANARY'}")
        if (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 > MEGABYTES:
            raise Misbehaviour(f"more than {MEGABYTES} MB")

    def _outcome(self) -> str:
        from axis_audit.errors import InputError

        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        signal.alarm(STUCK)
        self.guard.on = True
        try:
            self.target.open(self.work)
        except InputError as error:
            self.guard.on = False
            if not (error.subject and error.cause and error.cure):
                raise Misbehaviour(f"it does not help: {error}") from error
            if "llocate" in str(error):
                raise Misbehaviour(f"memory was asked for: {error}") from error
            self.causes[error.cause.partition("(")[0][:50]] += 1
            return "refused"
        finally:
            self.guard.on = False
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.alarm(0)
        return "loaded"


def main() -> int:
    from hypothesis import HealthCheck, Phase, given, seed, settings

    from tests.fuzz.targets import TARGETS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    limit = 16 * 2**30
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    signal.signal(signal.SIGALRM, _late)
    signal.signal(signal.SIGPROF, _late)
    with tempfile.TemporaryDirectory() as folder:
        fuzzer = Fuzzer(options.target, Path(folder).resolve())

        @seed(options.seed)
        @settings(
            max_examples=options.inputs, deadline=None, database=None, print_blob=False,
            phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(fuzzer.target.cases)
        def every_input_is_sound_or_refused(case: Any) -> None:
            fuzzer.once(case)

        status = 0
        try:
            every_input_is_sound_or_refused()
        except BaseException:
            import traceback

            traceback.print_exc()
            status = 1
        os.chdir(ROOT)
    causes = dict(fuzzer.causes.most_common(12))
    print(json.dumps({"target": options.target, **fuzzer.counts, "causes": causes}))
    return status


if __name__ == "__main__":
    sys.exit(main())
