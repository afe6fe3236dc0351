"""Changes one gene of a genotype: the small step of an evolutionary search."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from search_space.cells import Chain, Choice, PairCell
from search_space.choices import SearchSpace
from search_space.drawing import ChainPlan, Draw, Plan, SamplingError, plan_of
from search_space.encoder_dag import Edge, incoming
from search_space.genotype import Genotype
from search_space.rules import NONE
from search_space.space import default_space

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


def _field(cell: str, name: str, choices: Callable[[Plan], Sequence[Any]]) -> Gene:
    """Return the gene of a field that depends on no other field."""

    def change(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype | None:
        old = getattr(genotype, cell)
        value = _other(choices(plan), getattr(old, name), draw)
        if value is None:
            return None
        return dataclasses.replace(genotype, **{cell: dataclasses.replace(old, **{name: value})})

    return change


def _chain(view: int) -> Gene:
    """Return the gene of one step in the chain of a view."""

    def change(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype | None:
        chain = _changed_chain((genotype.aug1, genotype.aug2)[view], plan.chains[view], draw)
        if chain is None:
            return None
        return dataclasses.replace(genotype, aug1=chain) if view == 0 else dataclasses.replace(genotype, aug2=chain)

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
    old = genotype.pair
    kind = draw.pick(plan.space["PairCell"]["kinds"])
    kinds = set(old.kinds) ^ {kind}
    new = PairCell(tuple(kinds), old.pool, old.kernel) if kinds else old
    return dataclasses.replace(genotype, pair=new) if new.is_valid else None


def _kernel(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype | None:
    """Change the kernel of the hierarchy."""
    kernel = _other(plan.space["PairCell"]["kernel"], genotype.pair.kernel, draw)
    if kernel is None:
        return None
    new = dataclasses.replace(genotype.pair, kernel=kernel)
    return dataclasses.replace(genotype, pair=new) if new.is_valid else None


def _loss(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype | None:
    """Change the loss; its parameters come with it."""
    others = [points for points in plan.losses if points[0].name != genotype.loss.loss.name]
    if not others:
        return None
    return _with_loss(genotype, draw.pick(draw.pick(others)), plan, draw)


def _with_loss(genotype: Genotype, loss: Choice, plan: Plan, draw: Draw) -> Genotype:
    """Return the genotype with another loss, and with a similarity if that needs one for the first time."""
    old = genotype.loss
    similarity = draw.pick(plan.similarities) if old.similarity == NONE else old.similarity
    return dataclasses.replace(genotype, loss=dataclasses.replace(old, loss=loss, similarity=similarity))


def _beside_loss(name: str, choices: Callable[[Plan], Sequence[Sequence[Choice | None]]]) -> Gene:
    """Return the gene of what stands beside the loss: another option, none, or one parameter of it."""

    def change(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype | None:
        present = getattr(genotype.loss, name)
        others = [choice for points in choices(plan) for choice in points if choice != present]
        if not others:
            return None
        changed: dict[str, Any] = {name: draw.pick(others)}
        return dataclasses.replace(genotype, loss=dataclasses.replace(genotype.loss, **changed))

    return change


def _loss_parameter(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype | None:
    """Change one parameter of the loss."""
    loss = _changed_parameter(genotype.loss.loss, [choice for points in plan.losses for choice in points], draw)
    return None if loss is None else _with_loss(genotype, loss, plan, draw)


def _with_edges(genotype: Genotype, edges: Sequence[Edge]) -> Genotype:
    return dataclasses.replace(genotype, encoder=dataclasses.replace(genotype.encoder, edges=tuple(edges)))


def _operator(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype | None:
    """Change the operator of one edge."""
    edges = list(genotype.encoder.edges)
    place = draw.below(len(edges))
    source, present = edges[place]
    op = _other(plan.operators, present, draw)
    if op is None:
        return None
    edges[place] = (source, op)
    return _with_edges(genotype, edges)


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
    return _with_edges(genotype, [edge for pair in pairs for edge in pair])


def _last_node(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype | None:
    """Add a node behind the last, or take the last away."""
    edges, n_inner = genotype.encoder.edges, genotype.encoder.n_inner
    n_new = n_inner + draw.pick((-1, 1))
    if n_new not in plan.nodes:
        return None
    if n_new < n_inner:
        return _with_edges(genotype, edges[:-2])
    first = (n_inner, draw.pick(plan.operators))
    return _with_edges(genotype, [*edges, first, (draw.below(n_new), draw.pick(plan.operators))])


def _space_field(cell: str, name: str) -> Callable[[Plan], Sequence[Any]]:
    return lambda plan: plan.space[cell][name]


_GENES: tuple[Gene, ...] = (
    _chain(0),
    _chain(0),
    _chain(1),
    _chain(1),
    _field("embed", "jitter", lambda plan: plan.embed[0]),
    _field("embed", "mask", lambda plan: plan.embed[1]),
    _field("embed", "norm", lambda plan: plan.embed[2]),
    _pair_kind,
    _kernel,
    _field("pair", "pool", _space_field("PairCell", "pool")),
    _loss,
    _loss_parameter,
    _field("loss", "similarity", _space_field("LossCell", "similarity")),
    _operator,
    _operator,
    _source,
    _last_node,
    *(
        _field("encoder", name, _space_field("EncoderCell", name))
        for name in ("blocks", "hidden", "output", "dropout", "normalization", "channels", "readout")
    ),
    *(
        _field("train", name, _space_field("TrainCell", name))
        for name in ("learning_rate", "batch_size", "weight_averaging")
    ),
)

_BESIDE_LOSS_GENES: tuple[Gene, ...] = (
    _beside_loss("weighting", lambda plan: plan.weightings),
    _beside_loss("auxiliary", lambda plan: plan.auxiliaries),
)
