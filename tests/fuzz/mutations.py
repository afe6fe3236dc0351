"""Small valid files with a few things broken: bytes, sizes, numbers, lines, line ends, columns, encodings."""

from __future__ import annotations

import random
import re

FORMULA = "=cmd|' /C calc'!A0"
ODD = (
    *("nan", "NaN", "inf", "-inf", "1e400", "-1e400", "1e-400", "1e30", "1e31", "-0", "0x10", "1_000", "1,5"),
    *("9" * 400, "9" * 5000, "", " ", '"', "'", '""', '"a\nb"', "\x00", "\x1b[31m", "\u2028", "\x85", "\x1c"),
    *("\ufeff", "\u0661", "\U0001f600", "\u202e", "null", "None", "true", "?", "-", ":", ",", ";", "\t", "|", "=1+1"),
    *(FORMULA, "@data", "[" * 300, "{" * 300, "\r", "\r\n", "\n\n", "2020-01-01", "9999-12-31 23:59:59", "-9999-01-01"),
    *("1677-01-01", "../../x", "/etc"),
)  # fmt: skip
_NUMBER = re.compile(rb"[0-9]+(?:\.[0-9]+)?")


def bytes_of(rng: random.Random, content: bytes, others: tuple[bytes, ...] = ()) -> bytes:
    """Return a small valid file with one to four things broken."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        content = rng.choice(_MUTATIONS)(rng, content, others)
    return content


def _flip(rng: random.Random, content: bytes, others: tuple[bytes, ...]) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.randint(1, 8)):
        if changed:
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _truncate(rng: random.Random, content: bytes, others: tuple[bytes, ...]) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def _insert(rng: random.Random, content: bytes, others: tuple[bytes, ...]) -> bytes:
    at = rng.randrange(len(content) + 1)
    return content[:at] + rng.choice(ODD).encode() * rng.choice((1, 1, 3)) + content[at:]


def _number(rng: random.Random, content: bytes, others: tuple[bytes, ...]) -> bytes:
    found = list(_NUMBER.finditer(content))
    if not found:
        return content
    one = rng.choice(found)
    return content[: one.start()] + rng.choice(ODD).encode() + content[one.end() :]


def _cut(rng: random.Random, content: bytes, others: tuple[bytes, ...]) -> bytes:
    first = rng.randrange(len(content) + 1)
    return content[:first] + content[first + rng.randrange(1, 60) :]


def _double(rng: random.Random, content: bytes, others: tuple[bytes, ...]) -> bytes:
    """Repeat a piece, now and then until the file or a line is long."""
    first = rng.randrange(len(content) + 1)
    piece = content[first : first + rng.randrange(1, 80)]
    return content[:first] + piece * rng.choice((2, 2, 10, 200_000 // max(1, len(piece)))) + content[first:]


def _lines(rng: random.Random, content: bytes, others: tuple[bytes, ...]) -> bytes:
    lines = content.split(b"\n")
    action = rng.randrange(4)
    if action == 0:
        rng.shuffle(lines)
    elif action == 1:
        lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))
    elif action == 2:
        del lines[rng.randrange(len(lines))]
    else:
        lines = lines[: rng.randrange(1, 4)]
    return b"\n".join(lines)


def _endings(rng: random.Random, content: bytes, others: tuple[bytes, ...]) -> bytes:
    ends = rng.choice(((b"\r\n",), (b"\r",), (b"\n", b"\r\n"), (b"\n", b"\r", b"\x0b"), (b"\n", b"\xe2\x80\xa8")))
    return b"".join(line + rng.choice(ends) for line in content.split(b"\n"))


def _columns(rng: random.Random, content: bytes, others: tuple[bytes, ...]) -> bytes:
    """Repeat or rename a cell of the first line."""
    head, _, rest = content.partition(b"\n")
    cells = head.split(b",")
    cells[rng.randrange(len(cells))] = rng.choice((*cells, *(odd.encode() for odd in ODD)))
    return b",".join(cells) + b"\n" + rest


def _number_bytes(rng: random.Random, content: bytes, others: tuple[bytes, ...]) -> bytes:
    """Overwrite a few bytes by a size that is a lie."""
    width = rng.choice((2, 4, 8))
    value = rng.choice((0, 1, 2**8, 2 ** (8 * width - 1) - 1, 2 ** (8 * width - 1), 2 ** (8 * width) - 1))
    at = rng.randrange(len(content) + 1)
    return content[:at] + value.to_bytes(width, "little") + content[at + width :]


def _encoding(rng: random.Random, content: bytes, others: tuple[bytes, ...]) -> bytes:
    text = content.decode("latin-1")
    return rng.choice((text.encode("utf-16"), b"\xef\xbb\xbf" + content, text.encode("utf-32-le"), content[::-1]))


def _splice(rng: random.Random, content: bytes, others: tuple[bytes, ...]) -> bytes:
    other = rng.choice(others) if others else content
    return content[: rng.randrange(len(content) + 1)] + other[rng.randrange(len(other) + 1) :]


_MUTATIONS = (
    *(_flip, _truncate, _insert, _insert, _number, _number, _cut, _double),
    *(_lines, _endings, _columns, _number_bytes, _encoding, _splice),
)
