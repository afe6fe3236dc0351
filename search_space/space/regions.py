"""`Regions`: a space of several products of choices, for sizes that do not go together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from types import MappingProxyType
from typing import Any, NamedTuple

from search_space.genotype import Genotype
from search_space.genotype.rules import Range
from search_space.sentences import nearest, shown
from search_space.space.choices import SearchSpace, SpaceError, key_of
from search_space.space.overlap import overlap
from search_space.space.restriction import narrowed, nothing_left, problems_of, wanted_of

SHARES = Range(1, 1000, integer=True)
_MOST = 100  # regions


class Region(NamedTuple):
    """One of several spaces.

    Args:
        space: What it holds.
        share: How often it is drawn from: so many draws out of the sum of all shares.
    """

    space: SearchSpace
    share: int = 1


@dataclass(frozen=True)
class Regions:
    """Two spaces or more that share no genotype, each with a name and a share of the draws.

    What callers ask of a `SearchSpace` they ask of this one alike (`Space`); `[name]` is the region of that name.
    Always in normal form: the order of regions means nothing.

    Raises:
        SpaceError: If there are fewer than two, a name is no word, a share no whole number from 1 to 1000, or two
            regions have a genotype in common.
    """

    regions: Mapping[str, Region]

    def __post_init__(self) -> None:
        problems = list(_problems(self.regions)) or list(_overlaps(self.regions))
        if len(self.regions) < 2:
            problems.append(f"regions: must be two or more, got {len(self.regions)}")
        if problems:
            raise SpaceError("\n".join(problems))
        in_order = {name: Region(*self.regions[name]) for name in sorted(self.regions)}
        object.__setattr__(self, "regions", MappingProxyType(in_order))

    @cached_property
    def _hash(self) -> int:
        return hash(tuple(self.regions.items()))

    @cached_property
    def key(self) -> str:
        """The first 16 hex digits of the SHA-256 of `to_dict` as JSON: equal spaces have one, others have others."""
        return key_of(self.to_dict())

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        return Regions, (dict(self.regions),)

    @property
    def products(self) -> tuple[SearchSpace, ...]:
        """The products of choices that it consists of."""
        return tuple(region.space for region in self.regions.values())

    def __getitem__(self, name: str) -> SearchSpace:
        if name not in self.regions:
            raise SpaceError(f"regions: unknown region, got {name!r}{nearest(name, self.regions)}")
        return self.regions[name].space

    def restrict(self, selection: Mapping[str, Any] | None = None, /, **cells: Any) -> Space:
        """Return the sub-space in which some fields keep only the given values.

        A region that has none of the values of a field, or not the field, is gone; the others keep their shares.

        Args:
            selection: As `SearchSpace.restrict` takes it.
            **cells: The same by keyword.

        Raises:
            SpaceError: If no region has a name or value, or nothing is left.
        """
        wanted = wanted_of({**(selection or {}), **cells})
        problems = list(problems_of(wanted, [product.choices for product in self.products]))
        if problems:
            raise SpaceError("\n".join(problems))
        left: dict[str, Region] = {}
        for name, (space, share) in self.regions.items():
            choices = narrowed(space.choices, wanted)
            try:
                left |= {} if choices is None else {name: Region(SearchSpace(choices), share)}
            except SpaceError as error:
                problems += str(error).split("\n")
        if not left:
            raise SpaceError("\n".join(dict.fromkeys(problems)) or nothing_left(wanted))
        return united(left)

    def size(self) -> dict[str, int]:
        """Return the exact number of raw draws, in `total`."""
        return {"total": sum(product.size()["total"] for product in self.products)}

    def canonical_size(self) -> dict[str, int]:
        """Return the exact number of different keys, in `total`."""
        return {"total": sum(product.canonical_size()["total"] for product in self.products)}

    def holds(self, genotype: Genotype) -> bool:
        """Return whether a region can draw a genotype, its views in either order."""
        return any(product.holds(genotype) for product in self.products)

    def to_dict(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return the regions as plain dicts and lists, ready for JSON: `share` and the cells of each."""
        regions = {name: {"share": share, **space.to_dict()} for name, (space, share) in self.regions.items()}
        return {"regions": regions}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Space:
        """Return the space of `to_dict`; of a single region, what it holds.

        Raises:
            SpaceError: As the classes do, or if the dict has another form.
        """
        regions: dict[str, Region] = {}
        problems = []
        for name, cells in regions_of(data).items():
            try:
                space = SearchSpace.from_dict({cell: fields for cell, fields in cells.items() if cell != "share"})
                regions[name] = Region(space, cells.get("share", 1))
            except SpaceError as error:
                problems += within(name, error)
        if problems:
            raise SpaceError("\n".join(problems))
        return united(regions)


Space = SearchSpace | Regions
"""What can be drawn from."""


def united(regions: Mapping[str, Region]) -> Space:
    """Return the space of some regions; of a single one, what it holds, for then name and share say nothing.

    Raises:
        SpaceError: As `Regions` does.
    """
    problems = list(_problems(regions))
    if problems:
        raise SpaceError("\n".join(problems))
    return next(iter(regions.values())).space if len(regions) == 1 else Regions(regions)


def regions_of(data: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """Return the regions that the dict form holds, each a mapping of cells and a share.

    Raises:
        SpaceError: If something else stands there.
    """
    if not isinstance(data, Mapping):
        raise SpaceError(f"a search space must be a mapping, got {shown(data)}")
    beside = [name for name in data if name != "regions"]
    if beside:
        raise SpaceError(f"regions: cells stand inside a region, got {shown(beside)} beside the regions")
    regions = data.get("regions")
    if not isinstance(regions, Mapping) or not regions:
        raise SpaceError(f"regions: must be a mapping of one name or more to cells, got {shown(regions)}")
    for name, cells in regions.items():
        if not isinstance(cells, Mapping):
            raise SpaceError(f"regions.{name}: must be a mapping of cells, got {shown(cells)}")
    return regions


def within(name: object, error: SpaceError) -> list[str]:
    """Return the problems of a region as problems of the space, one each."""
    return [f"regions.{name}.{line}" for line in str(error).split("\n")]


def _problems(regions: Mapping[str, Region]) -> Iterator[str]:
    """Yield what is wrong with the names and shares of regions."""
    if len(regions) > _MOST:
        yield f"regions: must be at most {_MOST}, got {len(regions)}"
    for name, (_, share) in regions.items():
        if not isinstance(name, str) or not name.isidentifier():
            yield f"regions: a name must be a word such as graphs, got {shown(name)}"
        if not SHARES.holds(share):
            yield f"regions.{name}.share: must be {SHARES}, got {shown(share)}"


def _overlaps(regions: Mapping[str, Region]) -> Iterator[str]:
    """Yield which regions have a genotype in common."""
    for (name, (one, _)), (other_name, (other, _)) in combinations(sorted(regions.items()), 2):
        if overlap(one.choices, other.choices):
            yield (
                f"regions {name} and {other_name}: must have no genotype in common, for which one field without a "
                "value of both is enough, got values of both everywhere"
            )
