"""Reads each cell of the dict form, noting every problem on the way."""

import dataclasses
import numbers
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from search_space import registry
from search_space.genotype import encoder_dag
from search_space.genotype.cells import Chain, Choice, EmbedCell, EncoderCell, LossCell, PairCell, TrainCell
from search_space.genotype.encoder_dag import Edge
from search_space.genotype.rules import FIELDS, KERNELS, MAX_CHAIN, NEEDS_KERNEL, NONE, POOLS, USUAL, parameter_range
from search_space.genotype.validation import Problems, is_list

_BESIDE_LOSS = ("weighting", "auxiliary")
_NOTHING = Choice("")
_NO_LOSS = registry.Option("loss", NONE, target=object, source="", compares=False)


def _read_chain(value: Any, problems: Problems, *, where: str) -> Chain:
    """Read an ordered chain of augmentations."""
    if not is_list(value):
        problems.add(where, "must be a list of [augmentation, parameters]", value)
        return ()
    if len(value) > MAX_CHAIN:
        problems.add(where, f"must hold at most {MAX_CHAIN} augmentations", len(value))
    chain: list[Choice] = []
    seen: set[str] = set()
    for index, entry in enumerate(value):
        place = f"{where}[{index}]"
        named = _read_entry("augmentation", entry, place, problems, rule="must be [augmentation, parameters]")
        if named is None:
            continue
        option, given = named
        if option.name in seen:
            problems.add(place, "an augmentation may stand in a chain once", option.name)
        seen.add(option.name)
        chain.append(_read_parameters(option, given, f"{place}.{option.name}", problems))
    return tuple(chain)


def _read_entry(
    kind: str, entry: Any, where: str, problems: Problems, *, rule: str
) -> tuple[registry.Option, Mapping[str, Any]] | None:
    """Read the option of `[name, parameters]` and hand on the parameters; None after any problem."""
    if not is_list(entry) or len(entry) != 2:
        problems.add(where, rule, entry)
        return None
    known = registry.options(kind)
    name = problems.name(where, entry[0], known, what=kind)
    given = problems.mapping(f"{where}.parameters", entry[1])
    return (known[name], given) if name and given is not None else None


def _read_parameters(option: registry.Option, given: Mapping[str, Any], where: str, problems: Problems) -> Choice:
    """Read the parameters of one option, all of them required but those that have a usual value."""
    required = [name for name in option.choices if name not in option.usual]
    complete = problems.cell(where, given, required=required, optional=option.usual)
    return _NOTHING if complete is None else _choice(option, {**option.usual, **complete}, where, problems)


def _choice(option: registry.Option, given: Mapping[str, Any], where: str, problems: Problems) -> Choice:
    values = {
        name: problems.real(f"{where}.{name}", given[name], parameter_range(name, choices))
        for name, choices in option.choices.items()
    }
    return Choice(option.name, tuple(values.items()))


def _read_fields(value: Any, problems: Problems, *, kind: type[Any]) -> Any:
    """Read a cell whose fields have a rule each, the encoder's edges aside; None if one is missing."""
    where = kind.__name__
    names, usual = [field.name for field in dataclasses.fields(kind)], USUAL.get(where, {})
    cell = problems.cell(where, value, required=[name for name in names if name not in usual], optional=usual)
    if cell is None:
        return None

    def read(name: str) -> Any:
        if name == "edges":
            return _read_edges(cell[name], problems)
        return problems.value(f"{where}.{name}", {**usual, **cell}[name], FIELDS[where][name])

    return kind(*map(read, names))


def _read_pair(value: Any, problems: Problems) -> PairCell | None:
    """Read the PairCell; a pair kind without a flag is off."""
    known = registry.options("pair")
    cell = problems.cell("PairCell", value, required=("pool", "kernel"), optional=known)
    if cell is None:
        return None
    flags = {kind: problems.flag(f"PairCell.{kind}", cell.get(kind, False)) for kind in known}
    kinds = tuple(kind for kind, on in flags.items() if on)
    pool = problems.name("PairCell.pool", cell["pool"], POOLS, what="pooling")
    n_problems = len(problems.lines)
    kernel = problems.one_of("PairCell.kernel", cell["kernel"], KERNELS)
    if not any(cell.get(kind, False) for kind in known):
        problems.add("PairCell", f"at least one of {', '.join(known)} must be true", dict.fromkeys(known, False))
    if NEEDS_KERNEL in kinds and kernel == 0 and len(problems.lines) == n_problems:
        problems.add("PairCell.kernel", f"must be > 0 where {NEEDS_KERNEL} is true (one scale has no other)", kernel)
    return PairCell(kinds=kinds, pool=pool, kernel=kernel)


def _read_loss(value: Any, problems: Problems) -> LossCell | None:
    """Read the LossCell, whose further fields are its loss's parameters and what stands beside the loss."""
    known = {NONE: _NO_LOSS, **registry.options("loss")}
    name = value.get("loss") if isinstance(value, Mapping) else None
    option = known.get(name) if isinstance(name, str) else None
    # the parameters of an unknown loss are unknown too: only its name is to blame
    parameters, optional = (option.choices, _BESIDE_LOSS) if option else ((), value)
    cell = problems.cell("LossCell", value, required=("loss", "similarity", *parameters), optional=optional)
    if cell is None:
        return None
    problems.name("LossCell.loss", cell["loss"], known, what="loss")
    compared = () if option is None or option.compares else (NONE,)
    similarity = problems.name(
        "LossCell.similarity", cell["similarity"], (*compared, *registry.options("similarity")), what="similarity"
    )
    n_problems = len(problems.lines)
    beside = {kind: _read_beside(kind, cell[kind], problems) for kind in _BESIDE_LOSS if kind in cell}
    if option is None:
        return None
    read = LossCell(loss=_choice(option, cell, "LossCell", problems), similarity=similarity, **beside)
    if not read.is_valid and len(problems.lines) == n_problems:
        rule = f"where the loss is {NONE!r}, must be an auxiliary loss with own_steps 0 (nothing else takes a step)"
        problems.add("LossCell.auxiliary", rule, cell.get("auxiliary", NONE))
    return read


def _read_beside(kind: str, value: Any, problems: Problems) -> Choice | None:
    """Read a weighting or an auxiliary loss: `[name, parameters]`, or `none`."""
    where = f"LossCell.{kind}"
    if value == NONE:
        return None
    named = _read_entry(kind, value, where, problems, rule=f"must be [{kind}, parameters] or {NONE!r}")
    return None if named is None else _read_parameters(*named, f"{where}.{named[0].name}", problems)


def _read_edges(value: Any, problems: Problems) -> tuple[Edge, ...]:
    """Read the `[node, op]` list; empty after any problem."""
    where = "EncoderCell.edges"
    if not is_list(value):
        problems.add(where, "must be a list of [node, operator]", value)
        return ()
    rule = encoder_dag.edge_count_problem(len(value))
    if rule is not None:
        problems.add(where, rule, len(value))
    before = len(problems.lines)
    known = registry.options("operator")
    edges: list[Edge] = []
    for index, entry in enumerate(value):
        place = f"{where}[{index}]"
        if not is_list(entry) or len(entry) != 2:
            problems.add(place, "must be [node, operator]", entry)
            continue
        source, op = entry
        if isinstance(source, bool) or not isinstance(source, numbers.Integral):
            problems.add(place, "input node must be an integer", source)
            continue
        edges.append((int(source), problems.name(place, op, known, what="operator")))
    if rule is not None or len(edges) < len(value):
        return ()
    for index, broken in encoder_dag.source_problems([source for source, _ in edges]):
        problems.add(f"{where}[{index}]", broken, edges[index][0])
    return tuple(edges) if len(problems.lines) == before else ()


READERS: Mapping[str, Callable[[Any, Problems], Any]] = MappingProxyType(
    {
        "AugCell1": partial(_read_chain, where="AugCell1"),
        "AugCell2": partial(_read_chain, where="AugCell2"),
        "EmbedCell": partial(_read_fields, kind=EmbedCell),
        "PairCell": _read_pair,
        "LossCell": _read_loss,
        "EncoderCell": partial(_read_fields, kind=EncoderCell),
        "TrainCell": partial(_read_fields, kind=TrainCell),
    }
)
"""How the dict form of each cell is read; what comes back means nothing where a problem was noted."""
