"""Reading and checking a .npz of one's own; see `axis_audit.cohorts.arrays` for the layout."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Any, BinaryIO, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohort import FASTEST_RATE, LEADS, SLOWEST_RATE
from axis_audit.cohorts.prepare import LARGEST_STRIP_MILLIVOLTS
from axis_audit.errors import CohortError

REQUIRED = ("signals", "rate")
PER_ROW = ("age", "patient_ids", "record_ids", "sex", "site", "device", "fold")
OPTIONAL = ("leads", "kind", "r_index", *PER_ROW)
MILLIVOLT_RANGE = (0.05, LARGEST_STRIP_MILLIVOLTS)
"""Where the median record's largest amplitude lies when the signals are millivolts."""
_LEAD_NAMES = {lead.casefold(): lead for lead in LEADS}
_SEX = {"female": "female", "f": "female", "male": "male", "m": "male", "": "", "unknown": ""}
_BOMB_BYTES, _BOMB_RATIO = 2**26, 100
_LARGEST_ID, _OLDEST = 2**53, 1000
Arrays = dict[str, NDArray[Any]]


def read_arrays(path: Path) -> Arrays:
    """Every array of the file, with its keys checked.

    Raises:
        CohortError: no such file, not a .npz, damaged, pickled objects, or wrong keys.
    """
    try:
        with path.open("rb") as stream:
            if not zipfile.is_zipfile(stream):
                refuse(path, "is no .npz file, or a truncated one", "write it with numpy.savez")
            stream.seek(0)
            return _checked(path, stream)
    except OSError as error:
        raise CohortError(
            path, f"cannot be read ({error.strerror or error})", "check the path"
        ) from error
    except CohortError:
        raise
    except Exception as error:  # numpy and zipfile raise a dozen kinds on damage: all mean the same
        if "allow_pickle" in str(error):
            raise CohortError(
                path,
                "holds pickled objects, which could run code",
                "store numbers and strings, not arrays of dtype object",
            ) from error
        raise CohortError(
            path, f"is damaged ({error})", "write it again with numpy.savez"
        ) from error


def _checked(path: Path, stream: BinaryIO) -> Arrays:
    _check_sizes(path, stream)
    with np.load(stream, allow_pickle=False) as stored:
        missing = [key for key in REQUIRED if key not in stored.files]
        if missing:
            held = ", ".join(stored.files) or "nothing"
            refuse(path, f"lacks {' and '.join(missing)}; it holds {held}", "add the arrays")
        unknown = sorted(set(stored.files) - set(REQUIRED) - set(OPTIONAL))
        if unknown:
            refuse(
                path,
                f"holds unknown arrays: {', '.join(unknown)}",
                f"leave them out; known are {', '.join((*REQUIRED, *OPTIONAL))}",
            )
        arrays = {key: stored[key] for key in stored.files}
        foreign = [key for key, values in arrays.items() if not isinstance(values, np.ndarray)]
        if foreign:
            refuse(path, f"{foreign[0]} is no array", "write it with numpy.savez")
        odd = [key for key, values in arrays.items() if values.dtype.kind in "mMV"]
        if odd:  # numpy cannot even print some of them
            refuse(path, f"{odd[0]} has dtype {arrays[odd[0]].dtype}", "give numbers or strings")
        garbled = [key for key, values in arrays.items() if not _is_text(values)]
        if garbled:
            refuse(path, f"is damaged ({garbled[0]} holds no text)", "write it with numpy.savez")
        return arrays


def _is_text(values: NDArray[Any]) -> bool:
    """Whether an array of strings holds characters: numpy takes any four bytes for one."""
    if values.dtype.kind != "U" or values.size == 0 or values.dtype.itemsize == 0:
        return True
    code = np.dtype(np.uint32).newbyteorder(values.dtype.byteorder)
    codes = np.ascontiguousarray(values).reshape(-1).view(code)
    return not ((codes > 0x10FFFF) | ((codes >= 0xD800) & (codes <= 0xDFFF))).any()


def _check_sizes(path: Path, stream: BinaryIO) -> None:
    """Refuse arrays that are not as long as they claim, before memory is taken for them."""
    with zipfile.ZipFile(stream) as archive:
        records = archive.infolist()
        if len({r.filename for r in records}) < len(records):
            refuse(path, "is damaged (two arrays have one name)", "write it again with numpy.savez")
        for record in records:
            if record.file_size > max(_BOMB_BYTES, _BOMB_RATIO * record.compress_size):
                refuse(
                    path,
                    f"{record.filename} unpacks to {record.file_size} bytes from "
                    f"{record.compress_size}, which no recording does",
                    "write it with numpy.savez",
                )
            with archive.open(record) as array:
                _check_claim(path, record, array)
    stream.seek(0)


def _check_claim(path: Path, record: zipfile.ZipInfo, array: Any) -> None:
    version = np.lib.format.read_magic(array)
    read = np.lib.format.read_array_header_1_0
    shape, _, dtype = (read if version == (1, 0) else np.lib.format.read_array_header_2_0)(array)
    claimed = math.prod(shape) * dtype.itemsize
    if not dtype.hasobject and array.tell() + claimed != record.file_size:
        refuse(
            path,
            f"is damaged ({record.filename} claims {claimed} bytes of numbers and has "
            f"{record.file_size - array.tell()})",
            "write it again with numpy.savez",
        )


def refuse(path: Path, cause: str, cure: str) -> NoReturn:
    """Raise a CohortError about the file."""
    raise CohortError(path, cause, cure)


def signals_and_leads(path: Path, arrays: Arrays) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Signals with their leads in the order of `LEADS`."""
    signals = arrays["signals"]
    names = [str(lead) for lead in np.atleast_1d(arrays.get("leads", np.array(LEADS)))]
    if signals.ndim != 3 or signals.shape[1] != len(names):
        refuse(
            path,
            f"signals have shape {signals.shape} for {len(names)} leads",
            "give them as (records, leads, samples) and name the leads in `leads`",
        )
    if signals.dtype.kind not in "fiu":
        refuse(path, f"signals have dtype {signals.dtype}", "give numbers in millivolts")
    unknown = [name for name in names if name.strip().casefold() not in _LEAD_NAMES]
    if unknown:
        refuse(path, f"unknown leads: {', '.join(unknown)}", f"known are {', '.join(LEADS)}")
    known = [_LEAD_NAMES[name.strip().casefold()] for name in names]
    if len(set(known)) != len(known):
        refuse(path, f"lead names repeat: {', '.join(known)}", "name every lead once")
    order = sorted(range(len(known)), key=lambda i: LEADS.index(known[i]))
    _check_amplitudes(path, signals)
    return signals[:, order].astype(np.float32), tuple(known[i] for i in order)


def _check_amplitudes(path: Path, signals: NDArray[Any]) -> None:
    if len(signals) == 0 or signals.shape[2] == 0:
        refuse(path, "signals are empty", "give at least one record")
    bad = ~np.isfinite(signals).all(axis=(1, 2))
    if bad.any():
        refuse(
            path,
            f"{int(bad.sum())} records hold NaN or infinite samples, the first is row "
            f"{int(np.flatnonzero(bad)[0])}",
            "drop or repair those records",
        )
    if float(np.abs(signals).max()) > 1e6:
        refuse(path, "samples reach beyond 1e6, which cannot be millivolts", "give millivolts")
    typical = float(np.median(np.abs(signals).max(axis=(1, 2))))
    low, high = MILLIVOLT_RANGE
    if not low <= typical <= high:
        refuse(
            path,
            f"half of the records peak {'above' if typical > high else 'below'} {typical:.3g}, "
            "which cannot be millivolts",
            "convert microvolts, volts or ADC units to millivolts first",
        )


def rate_of(path: Path, arrays: Arrays) -> float:
    """Samples per second."""
    value = arrays["rate"]
    number = value.dtype.kind in "fiu" and value.size == 1
    if not number or not SLOWEST_RATE <= float(value.item()) <= FASTEST_RATE:
        told = f"rate is {value!s:.60}, not from {SLOWEST_RATE:g} to {FASTEST_RATE:g}"
        refuse(path, told, "give one number of samples per second")
    return float(value.item())


def kind_of(path: Path, arrays: Arrays) -> Literal["beat", "record"]:
    """What a row is."""
    kind = str(arrays.get("kind", np.array("record")))
    if kind not in ("beat", "record"):
        refuse(path, f"kind is {kind!r}", 'give "beat" or "record"')
    return "beat" if kind == "beat" else "record"


def r_index_of(path: Path, arrays: Arrays) -> int | None:
    """The sample of the R peak, None where the file does not say."""
    value = arrays.get("r_index")
    if value is not None and (value.size != 1 or value.dtype.kind not in "iu"):
        refuse(path, f"r_index is {value!s}", "give the sample of the R peak, one whole number")
    return None if value is None else int(value.item())


def columns_of(path: Path, arrays: Arrays, n: int, kind: str) -> dict[str, NDArray[Any]]:
    """The columns with one value a row, as `Cohort` wants them."""
    for name in PER_ROW:
        if name in arrays and arrays[name].shape != (n,):
            refuse(
                path,
                f"{name} has shape {arrays[name].shape} for {n} records",
                "give one value per record, in the records' order",
            )
    records = _ids(path, arrays, "record_ids", np.arange(n))
    if kind == "record" and len(np.unique(records)) < n:
        ids, counts = np.unique(records, return_counts=True)
        refuse(
            path, f"record id {str(ids[counts > 1][0])!r} repeats", "give every record its own id"
        )
    columns = {
        "record_ids": records,
        "patient_ids": _ids(path, arrays, "patient_ids", records),
        "age": _numbers(path, arrays, "age", np.full(n, np.nan)).astype(np.float32),
        "fold": _numbers(path, arrays, "fold", np.full(n, -1)).astype(np.int64),
        "sex": _sex(path, arrays.get("sex", np.full(n, ""))),
    }
    for name in ("site", "device"):
        values = arrays.get(name, np.full(n, ""))
        if values.dtype.kind not in "fiuU":
            refuse(path, f"{name} has dtype {values.dtype}", "give strings or numbers")
        columns[name] = values.astype(str)
    return columns


def _ids(path: Path, arrays: Arrays, name: str, default: NDArray[Any]) -> NDArray[np.str_]:
    ids = arrays.get(name, default)
    if ids.dtype.kind == "f":
        ids = _doubles(ids)
        # tables read ids as floats where some are missing; 12.0 and 12 are one person
        whole = np.isfinite(ids).all() and (ids == np.rint(ids)).all()
        if not whole or (np.abs(ids) > _LARGEST_ID).any():
            refuse(path, f"{name} holds NaN or fractions, or numbers beyond 2^53", "give strings")
        ids = ids.astype(np.int64)
    elif ids.dtype.kind not in "iuU":
        refuse(path, f"{name} has dtype {ids.dtype}", "give whole numbers or strings")
    return ids.astype(str)


def _doubles(values: NDArray[Any]) -> NDArray[np.float64]:
    """As float64: half precision cannot be compared with large numbers, nor longer ones stored."""
    with np.errstate(over="ignore"):
        return values.astype(np.float64)


def _numbers(path: Path, arrays: Arrays, name: str, default: NDArray[Any]) -> NDArray[Any]:
    values = arrays.get(name, default)
    if values.dtype.kind not in "fiu":
        refuse(path, f"{name} has dtype {values.dtype}", "give numbers")
    values = _doubles(values)
    if name == "fold":
        with np.errstate(invalid="ignore"):
            if not ((np.abs(values) < _LARGEST_ID) & (values == np.rint(values))).all():
                refuse(
                    path,
                    f"fold has dtype {values.dtype} or holds NaN or fractions",
                    "give whole numbers",
                )
    elif (np.abs(np.nan_to_num(values)) > _OLDEST).any():
        refuse(path, f"{name} reaches beyond {_OLDEST}", "give years, NaN or 300 where not known")
    return values


def _sex(path: Path, values: NDArray[Any]) -> NDArray[np.str_]:
    words = [str(v).strip().casefold() for v in values]
    unknown = sorted({w for w in words if w not in _SEX})
    if unknown:
        refuse(path, f"sex holds {unknown[0]!r}", 'write "female", "male" or ""')
    return np.array([_SEX[w] for w in words], dtype=np.str_)
