"""What a page consists of; how it looks is said by `page.html`, which escapes every text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup


@dataclass(frozen=True)
class Words:
    """Paragraphs, or the points of a list."""

    kind: ClassVar[str] = "words"
    texts: Sequence[str]
    listed: bool = False


@dataclass(frozen=True)
class Verbatim:
    """Lines that stay as they are; `wrapped` where they may be broken, such as a command."""

    kind: ClassVar[str] = "verbatim"
    text: str
    wrapped: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of texts.

    Args:
        caption: What stands in it.
        head: Names of the columns.
        rows: As many texts as there are columns, each.
        numbers_from: Columns from this one on are numbers.
        marked: Rows that stand out.
        folded: Whether it is shown when somebody asks.
    """

    kind: ClassVar[str] = "table"
    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers_from: int = 1
    marked: frozenset[int] = frozenset()
    folded: bool = False


@dataclass(frozen=True)
class Picture:
    """An SVG element with its caption; `paper` where it has colours of its own, for white."""

    kind: ClassVar[str] = "picture"
    svg: Markup
    caption: str
    paper: bool = False


Block = Words | Verbatim | Table | Picture


@dataclass(frozen=True)
class Section:
    """A part of a page under a heading; `name` is what links lead to."""

    name: str
    title: str
    blocks: Sequence[Block]


def html_of(title: str, sections: Sequence[Section], *, subtitle: str = "", foot: str = "") -> str:
    """Return a page as one HTML document that loads nothing."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("nas.report.page", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(title=title, subtitle=subtitle, sections=sections, foot=foot)
