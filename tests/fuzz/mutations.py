"""Damage to bytes, zip members and tables, as hypothesis strategies.

A mutation is a function from bytes to bytes. Places are fractions of the length, so that a mutation
means something for any file.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st

Mutation = Callable[[bytes], bytes]
PLACE = st.floats(0.0, 1.0, exclude_max=True)
NUMBERS = st.sampled_from(
    ["nan", "inf", "-inf", "-1", "0", "1e300", "-1e300", "1.5", "1000000000000", "9" * 30, "", "x",
     "1e-300", "300", "0x10", "1+2j", "True", "--1", "\x00", "é", "'", '"', "[" * 200, "-" * 5000,
     "__import__('os').system('touch CANARY')", "../../etc/passwd", "/etc/passwd", "~", "CANARY"]
)  # fmt: skip


def _at(content: bytes, place: float) -> int:
    return int(place * max(1, len(content)))


def flip(place: float, bit: int) -> Mutation:
    def apply(content: bytes) -> bytes:
        if not content:
            return content
        i = _at(content, place)
        return content[:i] + bytes([content[i] ^ (1 << bit)]) + content[i + 1 :]

    return apply


def write(place: float, new: bytes) -> Mutation:
    def apply(content: bytes) -> bytes:
        i = _at(content, place)
        return content[:i] + new + content[i + len(new) :]

    return apply


def insert(place: float, new: bytes) -> Mutation:
    return lambda content: content[: _at(content, place)] + new + content[_at(content, place) :]


def truncate(place: float) -> Mutation:
    return lambda content: content[: _at(content, place)]


def splice(source: float, target: float, length: float) -> Mutation:
    def apply(content: bytes) -> bytes:
        a, b = _at(content, source), _at(content, target)
        piece = content[a : a + int(length * 200) + 1]
        return content[:b] + piece + content[b + len(piece) :]

    return apply


def replace(pair: tuple[bytes, bytes], number: int) -> Mutation:
    old, new = pair

    def apply(content: bytes) -> bytes:
        pieces = content.split(old)
        if len(pieces) < 2:
            return content
        k = number % (len(pieces) - 1)
        return old.join(pieces[: k + 1]) + new + old.join(pieces[k + 1 :])

    return apply


WORDS = st.sampled_from(
    [struct.pack("<q", n) for n in (-1, 0, 10**12, 2**62, -(2**62))]
    + [struct.pack("<i", n) for n in (-1, 2**31 - 1, 10**9)]
    + [struct.pack("<d", n) for n in (float("nan"), float("inf"), 1e300, -1.0)]
    + [struct.pack("<f", n) for n in (float("nan"), float("inf"), 1e30)]
)
BYTES: st.SearchStrategy[Mutation] = st.one_of(
    st.builds(flip, PLACE, st.integers(0, 7)),
    st.builds(write, PLACE, st.binary(min_size=1, max_size=8) | WORDS),
    st.builds(insert, PLACE, st.binary(min_size=1, max_size=8) | WORDS),
    st.builds(truncate, PLACE),
    st.builds(splice, PLACE, PLACE, PLACE),
)


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(parts: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def in_member(mutation: Mutation, choice: float, ending: str = "") -> Mutation:
    """Apply inside one member, with its checksum made right again."""

    def apply(content: bytes) -> bytes:
        try:
            parts = members(content)
        except Exception:
            return mutation(content)  # an earlier mutation broke the archive
        names = [n for n in parts if n.endswith(ending)] or list(parts)
        if not names:
            return content
        name = names[int(choice * len(names))]
        return zipped({**parts, name: mutation(parts[name])})

    return apply


def edit_members(choice: float, what: str) -> Mutation:
    def apply(content: bytes) -> bytes:
        try:
            parts = members(content)
        except Exception:
            return content
        if not parts:
            return content
        name = list(parts)[int(choice * len(parts))]
        if what == "drop":
            del parts[name]
        elif what == "rename":
            parts[name + "x"] = parts.pop(name)
        elif what == "empty":
            parts[name] = b""
        elif what == "grow":
            parts[name] += bytes(1000)
        elif what == "bomb":
            parts[name] = bytes(2**27)
        elif what == "swap":
            other = list(parts)[int((choice * 7919) % 1 * len(parts))]
            parts[name], parts[other] = parts[other], parts[name]
        packed = what in ("bomb", "pack")
        return zipped(parts, zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED)

    return apply


MEMBERS = st.builds(
    edit_members,
    PLACE,
    st.sampled_from(["drop", "rename", "empty", "grow", "swap", "pack"] * 4 + ["bomb"]),
)

CANARIES = [
    b"cposix\nsystem\n(X\x0c\x00\x00\x00touch CANARYtR",
    b"cos\nsystem\n(X\x0c\x00\x00\x00touch CANARYtR",
    b"cbuiltins\nexec\n(X\x16\x00\x00\x00open('CANARY','w') #xxxtR",
    b"csubprocess\nPopen\n(X\x06\x00\x00\x00CANARYtR",
    b"c__builtin__\nbytearray\n(\x8a\x06\x00\x00\x00\x00\x00\x01tR",
    b"ctorch\nload\n(X\x06\x00\x00\x00CANARYtR",
    b"ctorch.serialization\nload\n(X\x06\x00\x00\x00CANARYtR",
    b"\x8c\x02os\x8c\x06system\x93(X\x0c\x00\x00\x00touch CANARYtR",
    b"(X\x0c\x00\x00\x00touch CANARYios\nsystem\n",
    b"ccollections\nOrderedDict\n)R}X\x01\x00\x00\x00ab",
]


def canary(place: float, payload: bytes) -> Mutation:
    """Put a payload at the border of two opcodes of a pickle."""
    import pickletools

    def apply(content: bytes) -> bytes:
        try:
            borders = [at for _, _, at in pickletools.genops(content) if at is not None]
        except Exception:
            borders = [0]
        i = borders[int(place * len(borders))] if borders else 0
        return content[:i] + payload + content[i:]

    return apply


def npy(array: np.ndarray, allow_pickle: bool = False) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), allow_pickle=allow_pickle)
    return buffer.getvalue()


def cell(row: float, column: float, text: str) -> Mutation:
    """Put a text into one cell of a table."""

    def apply(content: bytes) -> bytes:
        lines = content.decode("utf-8", "surrogateescape").split("\n")
        i = int(row * len(lines))
        cells = lines[i].split(",")
        cells[int(column * len(cells))] = text
        lines[i] = ",".join(cells)
        return "\n".join(lines).encode("utf-8", "surrogateescape")

    return apply


def lines_edited(row: float, other: float, what: str) -> Mutation:
    def apply(content: bytes) -> bytes:
        lines = content.split(b"\n")
        i, j = int(row * len(lines)), int(other * len(lines))
        if what == "drop":
            del lines[i]
        elif what == "repeat":
            lines.insert(j, lines[i])
        else:
            lines[i], lines[j] = lines[j], lines[i]
        return b"\n".join(lines)

    return apply


CELLS = st.builds(cell, PLACE, PLACE, NUMBERS | st.text(max_size=8))
LINES = st.builds(lines_edited, PLACE, PLACE, st.sampled_from(["drop", "repeat", "swap"]))
