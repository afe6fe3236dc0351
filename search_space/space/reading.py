"""Reads a space that a user wrote: whatever is left out is as in a region of the default space."""

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from search_space.genotype import CELLS
from search_space.genotype.notes import NotesWarning
from search_space.genotype.rules import FIELDS, USUAL, Options
from search_space.genotype.validation import is_list
from search_space.sentences import shown
from search_space.space.choices import SearchSpace, SpaceError
from search_space.space.default_regions import REGIONS
from search_space.space.notes import is_notes_space, space_of_notes
from search_space.space.regions import Regions, Space, regions_of, within
from search_space.space.shipped import default_space

_MOST_VALUES = 10_000  # of a field


def read_space(data: Mapping[str, Any]) -> Space:
    """Return the space of a mapping cell -> field -> list of choices, of regions of such, or of the notes' own dict.

    A cell or field that is left out has the choices of a region of the default space: of the one with the region's
    name; without one, of the first that has all the operators that are named, or else of `graphs`. A parameter of an
    option that it lacks has the registered ones, or only its usual value where it has one. Where nothing is left out
    but genes that have a usual value, they are as usual, for so `to_dict` writes.

    Raises:
        SpaceError: If a name or value is unknown or stands twice, a list is empty, regions have genotypes in common,
            or nothing can be drawn.

    Warns:
        NotesWarning: Of what was read how in the notes' form.
    """
    if is_notes_space(data):
        data, readings = space_of_notes(data)
        space = read_space(data)
        warnings.warn(NotesWarning("search space in the notes' form", readings), stacklevel=2)
        return space
    if not isinstance(data, Mapping):
        raise SpaceError(f"a search space must be a mapping of cells, got {shown(data)}")
    if "regions" not in data:
        return SearchSpace.from_dict(_completed(data))
    problems, regions = [], {}
    for name, cells in regions_of(data).items():
        share = {"share": cells["share"]} if "share" in cells else {}
        try:
            own = {cell: fields for cell, fields in cells.items() if cell != "share"}
            regions[name] = {**share, **_completed(own, name=name)}
        except SpaceError as error:
            problems += within(name, error)
    if problems:
        raise SpaceError("\n".join(problems))
    return Regions.from_dict({"regions": regions})


def _completed(data: Mapping[str, Any], *, name: object = None) -> dict[str, Any]:
    """Return the cells of a flat space, or of the region of that name, with all their fields."""
    given = {cell: fields if isinstance(fields, Mapping) else {} for cell, fields in data.items()}
    behind = _region_behind(given, name)
    problems = [problem for cell, fields in given.items() for problem in _slips(cell, fields, behind)]
    if problems:
        raise SpaceError("\n".join(problems))
    wanted = {cell: [field for field in FIELDS[cell] if field not in USUAL.get(cell, ())] for cell in CELLS}
    if not all(field in given.get(cell, {}) for cell, fields in wanted.items() for field in fields):
        wanted = {cell: [*FIELDS[cell]] for cell in CELLS}
    blanks = {cell: {field: behind[cell][field] for field in fields} for cell, fields in wanted.items()}
    filled = {cell: _filled({**blanks[cell], **given.get(cell, {})}, cell, behind) for cell in CELLS}
    strange = {cell: fields for cell, fields in data.items() if cell not in CELLS or not isinstance(fields, Mapping)}
    return {**filled, **strange}


def _region_behind(given: Mapping[str, Mapping[str, Any]], name: object) -> SearchSpace:
    """Return the region of the default space that what is left out comes from."""
    if name not in REGIONS:
        operators = given.get("EncoderCell", {}).get("operators", ())
        known = {one: values["EncoderCell"]["operators"] for one, (_, values) in REGIONS.items()}
        fitting = (one for one in known if is_list(operators) and all(operator in known[one] for operator in operators))
        name = next(fitting, "graphs")
    return default_space()[str(name)]


def _filled(fields: dict[str, Any], cell: str, behind: SearchSpace) -> dict[str, Any]:
    """Return a cell with the parameters of its options."""
    for field, rule in FIELDS[cell].items():
        if isinstance(rule, Options) and is_list(fields[field]):
            usual = {name: (value,) for name, value in rule.usual(fields[field]).items()}
            for name, registered in rule.parameters(fields[field]).items():
                fields.setdefault(name, behind[cell].get(name, usual.get(name, registered)))
    return fields


def _slips(cell: str, given: Mapping[str, Any], behind: SearchSpace) -> Iterator[str]:
    """Yield what is legal for `SearchSpace` and still a mistake in what somebody wrote."""
    chosen = {field: given.get(field, behind[cell][field]) for field in FIELDS.get(cell, ())}
    parametrised = {
        field: rule for field, rule in FIELDS.get(cell, {}).items() if isinstance(rule, Options) and rule.parametrised
    }
    for name, values in given.items():
        for field, rule in parametrised.items():
            option, dot, _ = name.partition(".") if isinstance(name, str) else ("", "", "")
            known = dot and name in rule.parameters([option])
            if known and is_list(chosen[field]) and option not in chosen[field]:
                yield f"{cell}.{name}: its option must be one of {cell}.{field}, got {shown(list(chosen[field]))}"
        if is_list(values) and len(values) > _MOST_VALUES:
            yield f"{cell}.{name}: must hold at most {_MOST_VALUES:,} values, got {len(values):,}"
        elif is_list(values):
            counts = Counter(value for value in values if isinstance(value, str | int | float))
            for value, count in counts.items():
                if count > 1:
                    yield f"{cell}.{name}: a value may stand once, got {shown(value)} {count} times"
