"""Changes one gene of a genotype: the small step of an evolutionary search."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from search_space.drawing.plan import ChainPlan, Draw, Plan, SamplingError, plan_of
from search_space.genotype import Chain, Choice, EncoderCell, Genotype, TrainCell
from search_space.genotype.encoder_dag import incoming
from search_space.genotype.rules import NONE
from search_space.space import SearchSpace, default_space

_ATTEMPTS = 2_000
_ROW = 8

Gene = Callable[[Genotype, Plan, Draw], Genotype | None]


def mutate(genotype: Genotype, rng: np.random.Generator, space: SearchSpace | None = None) -> Genotype:
    """Return a genotype with another key that differs in one gene.

    A gene is: one augmentation of a chain (added, removed, replaced, moved to
    another place, or one of its parameters), one field of a cell, one pair kind,
    the loss with its parameters, one operator or one source of an edge, or the
    last node. New values come from the space; the others stay, in it or not.

    Raises:
        SamplingError: If the space offers no other value for any gene.
    """
    plan = plan_of(space or default_space())
    genes = _GENES + _BESIDE_LOSS_GENES * plan.has_beside_loss
    for _ in range(_ATTEMPTS):
        draw = Draw(rng.random(_ROW).tolist())
        mutant = draw.pick(genes)(genotype, plan, draw)
        if mutant is not None and mutant.key != genotype.key:
            return mutant
    size = plan.space.canonical_size()["total"]
    raise SamplingError(f"space: must offer another value for a gene of {genotype.key}, got a space of {size}")


def _other(values: Sequence[Any], present: Any, draw: Draw) -> Any:
    """Return one of the values that is not the present one, None if there is none."""
    others = [value for value in values if value != present]
    return draw.pick(others) if others else None


def _with(genotype: Genotype, cell: str, **changes: Any) -> Genotype:
    """Return the genotype with other values of fields of one cell."""
    return dataclasses.replace(genotype, **{cell: dataclasses.replace(getattr(genotype, cell), **changes)})


def _field(cell: str, name: str) -> Gene:
    """Return the gene of a field that is drawn for itself."""

    def change(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype | None:
        old = getattr(genotype, cell)
        value = _other(plan.space[type(old).__name__][name], getattr(old, name), draw)
        mutant = None if value is None else _with(genotype, cell, **{name: value})
        return mutant if mutant is not None and mutant.pair.is_valid else None

    return change


def _chain(view: int) -> Gene:
    """Return the gene of one step in the chain of a view."""

    def change(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype | None:
        chain = _changed_chain((genotype.aug1, genotype.aug2)[view], plan.chains[view], draw)
        changes: dict[str, Any] = {f"aug{view + 1}": chain}
        return None if chain is None else dataclasses.replace(genotype, **changes)

    return change


def _changed_chain(chain: Chain, plan: ChainPlan, draw: Draw) -> Chain | None:
    lengths, options = plan
    edit = draw.pick(("insert", "remove", "replace", "move", "parameter"))
    steps = list(chain)
    names = {choice.name for choice in chain}
    unused = [points for points in options if points[0].name not in names]
    if edit == "insert":
        if not unused or len(chain) + 1 not in lengths:
            return None
        steps.insert(draw.below(len(chain) + 1), draw.pick(draw.pick(unused)))
        return tuple(steps)
    if not chain:
        return None
    place = draw.below(len(chain))
    step = steps.pop(place)
    if edit == "remove":
        return tuple(steps) if len(steps) in lengths else None
    if edit == "move":
        steps.insert(draw.below(len(chain)), step)
        return tuple(steps)
    if edit == "replace":
        if not unused:
            return None
        steps.insert(place, draw.pick(draw.pick(unused)))
        return tuple(steps)
    changed = _changed_parameter(step, [choice for points in options for choice in points], draw)
    return None if changed is None else (*steps[:place], changed, *steps[place:])


def _changed_parameter(choice: Choice, points: Sequence[Choice], draw: Draw) -> Choice | None:
    """Return the option with another value of one parameter."""
    if not choice.parameters:
        return None
    name, value = draw.pick(choice.parameters)
    values = sorted({point.params[name] for point in points if point.name == choice.name})
    new = _other(values, value, draw)
    return None if new is None else Choice(choice.name, tuple({**choice.params, name: new}.items()))


def _pair_kind(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype | None:
    """Switch one pair kind on or off."""
    kinds = {*genotype.pair.kinds} ^ {draw.pick(plan.space["PairCell"]["kinds"])}
    mutant = _with(genotype, "pair", kinds=tuple(kinds))
    return mutant if mutant.pair.is_valid else None


def _loss(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype | None:
    """Change the loss; its parameters come with it."""
    others = [points for points in plan.losses if points[0].name != genotype.loss.loss.name]
    return _with_loss(genotype, draw.pick(draw.pick(others)), plan, draw) if others else None


def _loss_parameter(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype | None:
    """Change one parameter of the loss."""
    loss = _changed_parameter(genotype.loss.loss, [choice for points in plan.losses for choice in points], draw)
    return None if loss is None else _with_loss(genotype, loss, plan, draw)


def _with_loss(genotype: Genotype, loss: Choice, plan: Plan, draw: Draw) -> Genotype:
    """Return the genotype with another loss, and with a similarity if that needs one for the first time."""
    present = genotype.loss.similarity
    return _with(genotype, "loss", loss=loss, similarity=draw.pick(plan.similarities) if present == NONE else present)


def _beside_loss(name: str, choices: Callable[[Plan], Sequence[Sequence[Choice | None]]]) -> Gene:
    """Return the gene of what stands beside the loss: another option, none, or one parameter of it."""

    def change(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype | None:
        present = getattr(genotype.loss, name)
        others = [choice for points in choices(plan) for choice in points if choice != present]
        return _with(genotype, "loss", **{name: draw.pick(others)}) if others else None

    return change


def _operator(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype | None:
    """Change the operator of one edge."""
    edges = list(genotype.encoder.edges)
    place = draw.below(len(edges))
    source, present = edges[place]
    op = _other(plan.operators, present, draw)
    if op is None:
        return None
    edges[place] = (source, op)
    return _with(genotype, "encoder", edges=edges)


def _source(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype | None:
    """Change which node the free edge of a node reads; the other edge reads its predecessor."""
    pairs = [list(pair) for pair in incoming(genotype.encoder.edges)]
    if len(pairs) == 1:
        return None
    node = 2 + draw.below(len(pairs) - 1)
    pair = pairs[node - 1]
    free = [place for place in (0, 1) if pair[1 - place][0] == node - 1]
    place = draw.pick(free)
    pair[place] = (_other(range(node), pair[place][0], draw), pair[place][1])
    return _with(genotype, "encoder", edges=[edge for pair in pairs for edge in pair])


def _last_node(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype | None:
    """Add a node behind the last, or take the last away."""
    edges, n_inner = genotype.encoder.edges, genotype.encoder.n_inner
    n_new = n_inner + draw.pick((-1, 1))
    if n_new not in plan.nodes:
        return None
    if n_new < n_inner:
        return _with(genotype, "encoder", edges=edges[:-2])
    first = (n_inner, draw.pick(plan.operators))
    return _with(genotype, "encoder", edges=[*edges, first, (draw.below(n_new), draw.pick(plan.operators))])


_GENES: tuple[Gene, ...] = (
    _chain(0),
    _chain(0),
    _chain(1),
    _chain(1),
    *(_field("embed", name) for name in ("jitter", "mask", "norm")),
    _pair_kind,
    _field("pair", "kernel"),
    _field("pair", "pool"),
    _loss,
    _loss_parameter,
    _field("loss", "similarity"),
    _operator,
    _operator,
    _source,
    _last_node,
    *(_field("encoder", field.name) for field in dataclasses.fields(EncoderCell) if field.name != "edges"),
    *(_field("train", field.name) for field in dataclasses.fields(TrainCell)),
)

_BESIDE_LOSS_GENES: tuple[Gene, ...] = (
    _beside_loss("weighting", lambda plan: plan.weightings),
    _beside_loss("auxiliary", lambda plan: plan.auxiliaries),
)
