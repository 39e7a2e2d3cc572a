"""One strip of a WFDB record in millivolts, its files checked before they are believed."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohort import FASTEST_RATE, LEADS, SLOWEST_RATE
from axis_audit.cohorts.beats import UnusableStripError

_MILLIVOLTS = {"v": 1e3, "mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "nv": 1e-6}
_LEAD_NAMES = {lead.casefold(): lead for lead in LEADS}
_RECORD_LINE = re.compile(r"[-\w]+[ \t]+(\d{1,4})[ \t]+(\d{1,9}(?:\.\d*)?)[ \t]+(\d{1,12})(?=\s|$)")
"""Name, channels, rate, samples a channel; of records of one segment."""
_SIGNAL_LINE = re.compile(
    r"(\S+)[ \t]+\d{1,3}(?:x(\d{1,9}))?(?::(\d{1,12}))?(?:\+(\d{1,12}))?(?=\s|$)"
)
"""File, format with samples a frame, skew and byte offset."""
_NO_VALUE = -(2**15)
"""How 16-bit files (format 16) say that a sample is missing."""
_LARGEST_HEADER, _MOST_CHANNELS = 2**16, 1000


def inside(name: str) -> bool:
    """Whether a file name stays in the data set."""
    path = PurePosixPath(name)
    return not (path.is_absolute() or ".." in path.parts or "\0" in name)


def read_strip(root: Path, name: str) -> tuple[NDArray[np.float64], float]:
    """A record's strip in mV, (12, samples), leads in the order of `LEADS`, and its rate.

    Raises:
        UnusableStripError: with the reason, if the files cannot give such a strip.
    """
    record = _read_record(root, name)
    if record.p_signal is None or not record.sig_name:
        raise UnusableStripError("file unreadable")
    scales = [_MILLIVOLTS.get(str(unit).casefold()) for unit in record.units]
    order = _order(record)
    if any(scales[i] is None for i in order):
        raise UnusableStripError("units are not volts")
    scale = np.array([scales[i] for i in order], np.float64)
    with np.errstate(all="ignore"):
        return record.p_signal.T[order] * scale[:, None], float(record.fs)


def read_adc(root: Path, name: str) -> tuple[NDArray[np.float64], float]:
    """A record's strip in the units its files store, whatever gain the header states.

    Returns:
        (12, samples), leads in the order of `LEADS`, NaN where the file says there is no value;
        and its rate.

    Raises:
        UnusableStripError: with the reason, if the files cannot give such a strip.
    """
    record = _read_record(root, name, physical=False)
    if record.d_signal is None or not record.sig_name:
        raise UnusableStripError("file unreadable")
    order = _order(record)
    stored = record.d_signal.T[order].astype(np.float64)
    stored[stored == _NO_VALUE] = np.nan
    return stored, float(record.fs)


def file_stats(root: Path, names: Sequence[str]) -> dict[str, str]:
    """Size and time of every file of each record, by folder scans, not by stat."""
    found: dict[str, dict[str, str]] = {}
    for folder in sorted({name.rpartition("/")[0] for name in names if inside(name)}):
        try:
            with os.scandir(root / folder) as entries:
                for e in entries:
                    stem, suffix = os.path.splitext(e.name)
                    about = e.stat()
                    name = f"{folder}/{stem}" if folder else stem
                    found.setdefault(name, {})[suffix] = (
                        f"{suffix} {about.st_size} {about.st_mtime_ns}"
                    )
        except OSError:
            continue  # its records are read, fail, and are counted as missing
    return {name: " ".join(map(parts.__getitem__, sorted(parts))) for name, parts in found.items()}


def _order(record: Any) -> list[int]:
    """Where the twelve leads stand in a record."""
    named = [_LEAD_NAMES.get(str(lead).strip().casefold(), "") for lead in record.sig_name]
    if any(lead not in named for lead in LEADS):
        raise UnusableStripError("missing leads")
    return [named.index(lead) for lead in LEADS]


def _read_record(root: Path, name: str, physical: bool = True) -> Any:
    """The record by wfdb, once its header promises no more than its files hold."""
    import wfdb

    if not name:
        raise UnusableStripError("file missing")
    if not inside(name):
        raise UnusableStripError("file outside the data set")
    try:
        rate = _checked_rate(root / f"{name}.hea")
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            record = wfdb.rdrecord(str(root / name), physical=physical)
    except UnusableStripError:
        raise
    except FileNotFoundError as error:
        raise UnusableStripError("file missing") from error
    except Exception as error:  # wfdb raises a dozen kinds on damage: all mean the same
        raise UnusableStripError("file unreadable") from error
    if float(record.fs) != rate:
        raise UnusableStripError("file unreadable")
    return record


def _checked_rate(path: Path) -> float:
    """The rate that a header states, if the files it names are here and can hold what it promises.

    Read by hand: wfdb takes as long for a header as for the whole rest of a strip.
    """
    # What is not there raises FileNotFoundError, and is counted as missing.
    if path.stat().st_size > _LARGEST_HEADER or not path.is_file():
        raise UnusableStripError("file unreadable")
    text = path.read_text(encoding="ascii", errors="ignore")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    stated = _RECORD_LINE.match(lines[0]) if lines else None
    if stated is None:
        raise UnusableStripError("file unreadable")
    channels, rate, samples = int(stated[1]), float(stated[2]), int(stated[3])
    signals = [_SIGNAL_LINE.match(line) for line in lines[1 : channels + 1]]
    if not 0 < len(signals) == channels <= _MOST_CHANNELS:
        raise UnusableStripError("file unreadable")
    if not SLOWEST_RATE <= rate <= FASTEST_RATE:
        raise UnusableStripError("unusual length or rate")
    frame, files = 0, set()
    for signal in signals:
        if signal is None or "\0" in signal[1] or PurePosixPath(signal[1]).name != signal[1]:
            raise UnusableStripError("file unreadable")
        files.add(path.parent / signal[1])
        # A skew or an offset is padding that wfdb makes room for.
        samples = max(samples, int(signal[3] or 0), int(signal[4] or 0) // channels)
        frame += int(signal[2] or 1)
    if not all(file.exists() for file in files):
        raise UnusableStripError("file missing")
    held = sum(file.stat().st_size if file.is_file() else 0 for file in files)
    # A sample takes a byte or more, and ten times less where it is packed (FLAC).
    if frame * samples > 10 * held:
        raise UnusableStripError("file unreadable")
    return rate
