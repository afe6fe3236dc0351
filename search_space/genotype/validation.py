"""Collects every problem of one input and says them together."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from compute.user_error import USAGE, UserError
from search_space.genotype.rules import Options, Range, Rule
from search_space.sentences import LONGEST_VALUE, lines_of, nearest, one_line, shown

_MOST = 20


class GenotypeError(UserError, ValueError):
    """A genotype that breaks rules; the message names each of them (of very many the first), one per line."""

    exit_status = USAGE
    trial_status = "invalid"

    def __init__(self, message: str) -> None:
        super().__init__(lines_of(message))


def is_list(value: object) -> bool:
    """Return whether a value is a list in the dict form (a tuple will do, text will not)."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


class Problems:
    """The problems found so far, and checks that add to them.

    Each check returns the value in its own type, or a placeholder after noting
    a problem: parsing goes on, and `raise_any` ends it.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, where: str, rule: str, got: object, *, hint: str = "") -> None:
        """Note one problem."""
        self.lines.append(f"{one_line(where, longest=2 * LONGEST_VALUE)}: {rule}, got {shown(got)}{hint}")
        if len(self.lines) > _MOST:
            self.raise_any()

    def raise_any(self) -> None:
        """Raise if anything was noted.

        Raises:
            GenotypeError: With every problem, one per line.
        """
        if self.lines:
            raise GenotypeError("\n".join(self.lines))

    def real(self, where: str, value: Any, legal: Range) -> float:
        """Return a finite number within its range."""
        if not legal.holds(value):
            self.add(where, f"must be {legal}", value)
            return 0.0
        # adding 0.0 turns -0.0 into 0.0, which would print and hash differently
        return float(value) + 0.0

    def value(self, where: str, value: Any, rule: Rule) -> Any:
        """Return a value of a field that keeps its rule."""
        if isinstance(rule, Range):
            number = self.real(where, value, rule)
            return int(number) if rule.integer else number
        if isinstance(rule, Options):
            return self.name(where, value, rule.names(), what=rule.kind.replace("_", " "))
        if isinstance(rule[0], bool):
            return self.flag(where, value)
        if isinstance(rule[0], int):
            return self.one_of(where, value, rule)
        return self.name(where, value, rule, what=where.rpartition(".")[2])

    def flag(self, where: str, value: Any) -> bool:
        """Return a boolean (0 and 1 are numbers)."""
        if not isinstance(value, bool):
            self.add(where, "must be true or false", value)
            return False
        return value

    def name(self, where: str, value: Any, known: Iterable[str], *, what: str) -> str:
        """Return a known name."""
        names = tuple(known)
        if not isinstance(value, str) or value not in names:
            self.add(where, f"unknown {what}", value, hint=nearest(value, names))
            return ""
        return value

    def one_of(self, where: str, value: Any, known: Sequence[int]) -> int:
        """Return one of a few whole numbers."""
        if isinstance(value, bool) or not isinstance(value, int) or value not in known:
            self.add(where, f"must be one of {', '.join(map(str, known))}", value)
            return known[0]
        return value

    def mapping(self, where: str, value: Any) -> Mapping[str, Any] | None:
        """Return a mapping, or None after noting that there is none."""
        if not isinstance(value, Mapping):
            self.add(where, "must be a mapping of field names to values", value)
            return None
        return value

    def cell(
        self, where: str, value: Any, *, required: Iterable[str], optional: Iterable[str] = ()
    ) -> Mapping[str, Any] | None:
        """Return a mapping that has all required fields, or None; note unknown and missing ones."""
        given = self.mapping(where, value)
        if given is None:
            return None
        needed = tuple(required)
        known = {*needed, *optional}
        prefix = f"{where}." if where else ""
        for name in given:
            if name not in known:
                self.add(f"{prefix}{name}", "unknown field", given[name], hint=nearest(name, known))
        missing = [name for name in needed if name not in given]
        for name in missing:
            self.lines.append(f"{prefix}{name}: the field is required, got nothing")
        return None if missing else given
