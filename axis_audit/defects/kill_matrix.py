"""The audit audited: every planted defect must be caught, and clean twins must not be.

Each defect of the catalogue is planted in one clean twin and audited; the check that the defect
names must FAIL, or the defect survives. Then other clean twins are audited, each with fresh draws
of the people it is fitted to, audited on and probed with; their seeds are 0, 1, 2 ..., never
chosen. An audit FAILs a clean model with a probability of at most .05 (decision.fail_tail), so more
twins with a FAIL than Binomial(twins, .05) allows at 99 % are too many.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from axis_audit.defects import alignment_twins, attribution_twins, generative_twins, twins
from axis_audit.defects.catalogue import Auditable, Defect, catalogue, find
from axis_audit.defects.matrix_record import CLEAN, summarise
from axis_audit.errors import InputError
from axis_audit.finding import Finding, Verdict
from axis_audit.finished import Finished, settings_key
from axis_audit.registry import Check
from axis_audit.report.records import plain

SCOPES = ("quick", "usual", "full")
COSTLY = frozenset(
    {
        "leakage.mlp",
        "leakage.canonical_mlp",
        "leakage.deep_network",
        "leakage.canonical_quadratic",
        "leads.missing_lead",
        "axis.spline_properties",
        "axis.direction",
        "invariance.direction_gain",
        "invariance.direction_lead_scale",
        "invariance.direction_drift",
        "invariance.transport_gain",
        "invariance.transport_lead_scale",
        "invariance.transport_drift",
    }
)
"""Run on a defect that does not name them only with `--full`: four fifths of an audit's seconds."""
Piece = dict[str, Any]
OWN_TWIN = frozenset({"generative", "alignment", "attribution"})
"""Families that are each put to a clean twin of its own."""


@dataclass(frozen=True)
class KillSettings:
    """What is audited.

    Attributes:
        people: audited in each audit. dimensions: of the twins' latents. twins: clean twins.
        scope: which checks run on a defect: "quick", the named one (and
            the clean twin that they are planted in is not audited); "usual", all but `COSTLY`
            ones that are not named, and of a cohort or manifest whose integrity is broken the
            family integrity alone; "full", all. Clean twins always meet all;
            checks that only run with `--thorough` run where a defect names them, and with "full".
        only: names of defects; all of the catalogue when empty.
    """

    people: int = twins.PEOPLE
    dimensions: int = twins.DIMENSIONS
    twins: int = 60
    scope: str = "usual"
    only: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.people < 100 or not 4 <= self.dimensions <= 256 or self.twins < 0:
            raise InputError(
                "defects",
                f"{self.people} people, {self.dimensions} dimensions, {self.twins} twins",
                "give at least 100 people, 4 to 256 dimensions and 0 or more twins",
            )
        if self.scope not in SCOPES:
            raise InputError("defects", f"{self.scope!r} is not a scope", f"choose of {SCOPES}")


@dataclass(frozen=True)
class Job:
    """One audit: of a defect by its name, of the reference twin, or of the clean twin of a seed."""

    settings: KillSettings
    defect: Defect | None = None
    seed: int | None = None

    @property
    def name(self) -> str:
        """What progress.jsonl calls it."""
        if self.seed is not None:
            return f"twin {self.seed}"
        return CLEAN if self.defect is None else f"defect {self.defect.name}"

    def wants(self, check: Check) -> bool:
        """Whether the check runs in this audit; a thorough one where it is named, or with full."""
        named = self.defect is not None and check.id == self.defect.fails
        if named or self.settings.scope == "full":
            return True
        if check.thorough:
            return False
        if self.defect is None:
            return True
        if self.defect.breaks != "model" and self.defect.fails.startswith("integrity."):
            # The model is the clean twin: what else it passes stands in the clean twin's row.
            return self.settings.scope == "usual" and check.family == "integrity"
        return self.settings.scope == "usual" and check.id not in COSTLY

    def run(self) -> Piece:
        """Audit; gives check id -> verdict, reason, estimate, seconds; seconds of it all."""
        started, cpu = time.perf_counter(), time.process_time()
        size = (self.settings.people, self.settings.dimensions)
        if self.defect is not None:
            findings = self._findings(self.defect.plant(_reference(*size)))
        else:
            findings = [
                finding
                for family, subject in self._clean(*size).items()
                for finding in self._findings(subject, family)
            ]
        return {
            "checks": {finding.id: _cell(finding) for finding in findings},
            "seconds": round(time.perf_counter() - started, 2),
            "cpu_seconds": round(time.process_time() - cpu, 2),
        }

    def _clean(self, *size: int) -> dict[str | None, Auditable]:
        """The clean twin (None), and those of the families that have one of their own."""
        if self.seed is None:
            return {
                None: _reference(*size),
                "generative": generative_twins.generative_reference(*size),
                "alignment": alignment_twins.alignment_reference(*size),
                "attribution": attribution_twins.attribution_reference(*size),
            }
        return {
            None: twins.clean_twin(self.seed, *size),
            "generative": generative_twins.generative_twin(self.seed, *size),
            "alignment": alignment_twins.alignment_twin(self.seed, *size),
            "attribution": attribution_twins.attribution_twin(self.seed, *size),
        }

    def _findings(self, subject: Auditable, family: str | None = "all") -> list[Finding]:
        """Of all checks that are wanted, of one family's, or (None) of those without a twin."""
        audit = subject.audit(thorough=True)
        wanted = [check for check in audit.checks if self.wants(check)]
        if family != "all":
            wanted = [c for c in wanted if (c.family if c.family in OWN_TWIN else None) == family]
        return [audit.run(check) for check in wanted]


@lru_cache(maxsize=1)
def _reference(people: int, dimensions: int) -> twins.Subject:
    return twins.reference(people, dimensions)


def _cell(finding: Finding) -> dict[str, Any]:
    return {
        "verdict": str(finding.verdict),
        "estimate": plain(finding.estimate),
        "seconds": round(finding.seconds, 2),
        "reason": "" if finding.verdict is Verdict.PASS else finding.reason,
    }


def run(
    settings: KillSettings,
    folder: Path,
    *,
    jobs: int = 1,
    defects: Sequence[Defect] | None = None,
    progress: Callable[..., Iterable[Any]] | None = None,
) -> dict[str, Any]:
    """Audit every defect and the clean twins; writes and returns the kill matrix.

    Finished audits are kept in `folder`/progress.jsonl and used again by a later run of the same
    people, dimensions, scope, code and library versions.

    Args:
        folder: where kill_matrix.json, .html, .png and .svg go.
        jobs: processes, each with one thread. defects: instead of the catalogue's (one process).
        progress: wraps the finished audits, called with total=, as tqdm.

    Raises:
        InputError: defects that do not exist, a folder that cannot be written.
    """
    from axis_audit.defects.matrix_pages import write

    chosen = _chosen(settings, defects)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(folder, f"no folder ({error.strerror})", "name another one") from None
    # A piece depends neither on how many twins there are nor on which other defects were chosen.
    depends = {
        "people": settings.people,
        "dimensions": settings.dimensions,
        "scope": settings.scope,
    }
    store = Finished(folder / "progress.jsonl", settings_key(depends))
    done = store.read()
    wanted = [Job(settings, defect=d) for d in chosen]
    if settings.scope != "quick":
        wanted.insert(0, Job(settings))
    wanted += [Job(settings, seed=s) for s in range(settings.twins)]
    rest = [job for job in wanted if job.name not in done]
    parallel = jobs > 1 and defects is None
    finished: Iterable[tuple[str, Piece]] = _parallel(rest, jobs) if parallel else _serial(rest)
    if progress is not None:
        finished = progress(finished, total=len(wanted), initial=len(wanted) - len(rest))
    for name, piece in finished:
        store.add(name, piece)
        done[name] = piece
    record = summarise(dataclasses.asdict(settings), chosen, done)
    write(record, folder)
    return record


def _chosen(settings: KillSettings, defects: Sequence[Defect] | None) -> list[Defect]:
    known = tuple(catalogue() if defects is None else defects)
    names = [d.name for d in known]
    unknown = [name for name in settings.only if name not in names]
    if unknown:
        raise InputError(
            "--only", f"there are no defects {unknown}", f"choose of {', '.join(sorted(names))}"
        )
    return [d for d in known if not settings.only or d.name in settings.only]


def _serial(jobs: Sequence[Job]) -> Iterator[tuple[str, Piece]]:
    for job in jobs:
        with _one_thread():
            piece = job.run()
        yield job.name, piece


def _parallel(jobs: Sequence[Job], processes: int) -> Iterator[tuple[str, Piece]]:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed

    spawn = multiprocessing.get_context("spawn")  # a fork would inherit torch's threads
    with ProcessPoolExecutor(processes, mp_context=spawn) as pool:
        tasks = {}
        for job in jobs:
            name = job.defect.name if job.defect else None
            tasks[pool.submit(_in_process, job.settings, name, job.seed)] = job
        try:
            for task in as_completed(tasks):
                yield tasks[task].name, task.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _in_process(settings: KillSettings, name: str | None, seed: int | None) -> Piece:
    with _one_thread():
        # Sent by name: a defect's planting function cannot be pickled.
        defect = None if name is None else find(name, Path("--only"))
        return Job(settings, defect, seed).run()


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Torch and BLAS at one thread, so that processes do not fight for cores."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)
