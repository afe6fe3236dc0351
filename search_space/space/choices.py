"""`SearchSpace`: which values may be drawn, per cell and field; a product of choices."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from types import MappingProxyType
from typing import Any

from compute.user_error import USAGE, UserError
from search_space.genotype import CELLS, Genotype
from search_space.genotype.rules import FIELDS, NONE, USUAL, Options, Range, parameter_range
from search_space.genotype.validation import is_list
from search_space.sentences import lines_of, nearest, shown
from search_space.space import counting
from search_space.space.membership import cells_held
from search_space.space.restriction import Cells, narrowed, nothing_left, problems_of, wanted_of

_MOST = 21  # problems that are looked for
_MOST_COMBINATIONS = 600_000  # drawing and ranking list those of a cell, some 100 bytes each


class SpaceError(UserError, ValueError):
    """A search space that is empty or names what does not exist; one problem per line."""

    exit_status = USAGE

    def __init__(self, message: str) -> None:
        super().__init__(lines_of(message))


@dataclass(frozen=True)
class SearchSpace:
    """The choices of every field: cell -> field -> tuple of values.

    Always in normal form: whatever order cells, fields and values came in, equal
    spaces look alike and draw alike, and the loss `none` is gone where no auxiliary
    loss may stand alone. Fields are those of the genotype's dict form, except:
    `AugCell1` and `AugCell2` have `lengths`, `options` and `<option>.<parameter>`; `LossCell`
    has `<loss>.<parameter>`; `PairCell` has `kinds` (any non-empty subset is
    drawn); `EncoderCell` has `nodes` (number of inner nodes) and `operators`.

    Raises:
        SpaceError: If a cell or field is unknown or missing, a value illegal, or
            nothing can be drawn.
    """

    choices: Cells

    def __post_init__(self) -> None:
        choices = {cell: {**_usual(cell, fields), **fields} for cell, fields in self.choices.items()}
        problems = list(islice(_problems(choices), _MOST))
        if problems:
            raise SpaceError("\n".join(problems))
        frozen = {}
        for cell in CELLS:
            fields = choices[cell]
            legal = legal_fields(cell, fields)
            frozen[cell] = MappingProxyType({name: _in_order(fields[name], rule) for name, rule in legal.items()})
        losses = frozen["LossCell"]
        if not counting.standing_alone(losses)["auxiliary"]:
            kept = tuple(name for name in losses["loss"] if name != NONE)
            frozen["LossCell"] = MappingProxyType({**losses, "loss": kept})
        object.__setattr__(self, "choices", MappingProxyType(frozen))

    @cached_property
    def _hash(self) -> int:
        return hash(tuple((cell, tuple(fields.items())) for cell, fields in self.choices.items()))

    @cached_property
    def key(self) -> str:
        """The first 16 hex digits of the SHA-256 of the choices as JSON: equal spaces have one, others have others."""
        return key_of(self.to_dict())

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        # mapping proxies cannot be pickled, and a space travels to worker processes
        return SearchSpace, ({cell: dict(fields) for cell, fields in self.choices.items()},)

    @property
    def products(self) -> tuple[SearchSpace, ...]:
        """The products of choices that it consists of: itself."""
        return (self,)

    def __getitem__(self, cell: str) -> Mapping[str, tuple[Any, ...]]:
        return self.choices[cell]

    def restrict(self, selection: Mapping[str, Any] | None = None, /, **cells: Any) -> SearchSpace:
        """Return the sub-space in which some fields keep only the given values.

        Args:
            selection: Dotted or nested names -> a value or values, such as
                `{"EncoderCell.blocks": 1, "LossCell": {"loss": ["nt_xent"]}}`.
            **cells: The same by keyword: `EncoderCell={"readout": "last"}`.

        Raises:
            SpaceError: If a name or value is not in this space, or nothing is left.
        """
        wanted = wanted_of({**(selection or {}), **cells})
        problems = list(problems_of(wanted, [self.choices]))
        left = None if problems else narrowed(self.choices, wanted)
        if left is None:
            raise SpaceError("\n".join(problems or [nothing_left(wanted)]))
        return SearchSpace(left)

    def size(self) -> dict[str, int]:
        """Return the exact number of raw draws per cell and in `total`."""
        sizes = {cell: count(self[cell]) for cell, count in counting.RAW.items()}
        return {**sizes, "total": math.prod(sizes.values())}

    def canonical_size(self) -> dict[str, int]:
        """Return the exact number of different keys per cell (both views as one) and in `total`."""
        sizes = {"views": counting.canonical_views(self["AugCell1"], self["AugCell2"])}
        sizes |= {cell: count(self[cell]) for cell, count in counting.CANONICAL.items()}
        return {**sizes, "total": math.prod(sizes.values())}

    def holds(self, genotype: Genotype) -> bool:
        """Return whether a genotype can be drawn, its views in either order."""
        return all(cells_held(self.choices, genotype))

    def n_cells_held(self, genotype: Genotype) -> int:
        """Return how many cells of a genotype can be drawn, both views as one."""
        return sum(cells_held(self.choices, genotype))

    def to_dict(self) -> dict[str, dict[str, list[Any]]]:
        """Return the choices as plain dicts and lists, ready for JSON; genes that are as usual are left out."""
        return {
            cell: {name: list(values) for name, values in fields.items() if values != _usual(cell, fields).get(name)}
            for cell, fields in self.choices.items()
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Mapping[str, Iterable[Any]]]) -> SearchSpace:
        """Return the space of `to_dict`.

        Raises:
            SpaceError: As the class does, or if the dict is not nested mappings of lists.
        """
        if not isinstance(data, Mapping):
            raise SpaceError(f"a search space must be a mapping of cells, got {shown(data)}")
        for cell, fields in data.items():
            if not isinstance(fields, Mapping):
                raise SpaceError(f"{cell}: must be a mapping of field names to lists, got {shown(fields)}")
            for name, values in fields.items():
                if not is_list(values):
                    raise SpaceError(f"{cell}.{name}: must be a list of values, got {shown(values)}")
        return cls({cell: {name: tuple(values) for name, values in fields.items()} for cell, fields in data.items()})


def key_of(data: Mapping[str, Any]) -> str:
    """Return the first 16 hex digits of the SHA-256 of what `to_dict` gives."""
    return hashlib.sha256(json.dumps(data).encode()).hexdigest()[:16]


def _usual(cell: str, fields: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Return the only choice of each gene of a cell, and of each parameter of its options, that need not be named."""
    usual = {**USUAL.get(cell, {})}
    for field, rule in FIELDS.get(cell, {}).items():
        if isinstance(rule, Options):
            usual |= rule.usual(fields.get(field, ()))
    return {name: (value,) for name, value in usual.items()}


def _in_order(values: Iterable[Any], rule: Range | tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the values once each, in the order of the rule; 0 and 0.0 are the same choice and must look it."""
    if isinstance(rule, Range):
        return tuple(sorted({int(value) if rule.integer else float(value) + 0.0 for value in values}))
    return tuple(legal for legal in rule if legal in values)


def legal_fields(cell: str, fields: Mapping[str, tuple[Any, ...]]) -> dict[str, Range | tuple[Any, ...]]:
    """Return what each field of a cell may hold: a range, or the legal values."""
    legal: dict[str, Range | tuple[Any, ...]] = {}
    for field, rule in FIELDS[cell].items():
        if isinstance(rule, Options):
            legal[field] = rule.names()
            parameters = rule.parameters(name for name in rule.names() if name in fields.get(field, ()))
            legal |= {name: parameter_range(name.partition(".")[2], values) for name, values in parameters.items()}
        else:
            legal[field] = rule
    return legal


def _problems(choices: Cells) -> Iterator[str]:
    """Yield what is wrong with a space."""
    for cell in choices:
        if cell not in CELLS:
            yield f"{cell}: unknown cell, got {cell!r}{nearest(cell, CELLS)}"
    broken = False
    for cell in CELLS:
        for problem in _cell_problems(cell, choices.get(cell)):
            broken = True
            yield problem
    if broken:
        return
    for cell in ("AugCell1", "AugCell2"):
        lengths, options = choices[cell]["lengths"], choices[cell]["options"]
        if min(lengths) > len(options):
            yield f"{cell}.lengths: must hold a length of at most {len(options)} (its options), got {shown(lengths)}"
    losses = choices["LossCell"]
    if {*losses["loss"]} == {NONE} and not counting.standing_alone(losses)["auxiliary"]:
        yield "LossCell.auxiliary: must hold one with own_steps 0 where LossCell.loss is none alone, got no such one"
    if not counting.pair_cells(choices["PairCell"]):
        yield "PairCell: cross_scale alone needs a kernel > 0, got kernel 0 only"
    for where, number in counting.combinations(choices).items():
        if number > _MOST_COMBINATIONS:
            yield f"{where}: at most {_MOST_COMBINATIONS:,} combinations of values can be told apart, got {number:,}"


def _cell_problems(cell: str, fields: Mapping[str, tuple[Any, ...]] | None) -> Iterator[str]:
    if fields is None:
        yield f"{cell}: the cell is required, got nothing"
        return
    legal = legal_fields(cell, fields)
    for name in legal:
        if name not in fields:
            yield f"{cell}.{name}: the field is required, got nothing"
    for name, values in fields.items():
        if name not in legal:
            yield f"{cell}.{name}: unknown field, got {name!r}{nearest(name, legal)}"
            continue
        rule = legal[name]
        if not values and name != "options":
            yield f"{cell}.{name}: must hold at least one value, got none"
        for value in values:
            if isinstance(rule, Range):
                if not rule.holds(value):
                    yield f"{cell}.{name}: must be {rule}, got {shown(value)}"
            elif value not in rule or isinstance(value, bool) != isinstance(rule[0], bool):
                yield f"{cell}.{name}: unknown value, got {shown(value)}{nearest(value, map(str, rule))}"
