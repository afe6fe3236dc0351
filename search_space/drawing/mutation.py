"""Changes one gene of a genotype: the small step of an evolutionary search."""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import numpy as np

from search_space.drawing.plan import ChainPlan, Draw, NothingToDraw, Plan, SamplingError, plan_of
from search_space.genotype import Chain, Choice, EmbedCell, EncoderCell, Genotype, TrainCell
from search_space.genotype.encoder_dag import incoming
from search_space.genotype.rules import NONE, USUAL
from search_space.space import Space, default_space

_ATTEMPTS = 2_000
_ATTRIBUTES = {"EmbedCell": "embed", "EncoderCell": "encoder"}
_ROW = 8

_Value = TypeVar("_Value")
Gene = Callable[[Genotype, Plan, Draw], Genotype]
"""Returns the genotype with one gene changed; raises `NothingToDraw` where the space has no other value of it."""


def mutate(genotype: Genotype, rng: np.random.Generator, space: Space | None = None) -> Genotype:
    """Return a genotype with another key that differs in one gene.

    A gene is: one augmentation of a chain (added, removed, replaced, moved to
    another place, or one of its parameters), one field of a cell, one pair kind,
    the loss with its parameters, one operator or one source of an edge, or the
    last node. New values come from the space; the others stay, in it or not. A
    genotype of the space has mutants in it only. Of several regions the one that
    holds the genotype gives them; where none does, the one that holds most of its
    cells, in which it changes least.

    Raises:
        SamplingError: If the space offers no other value for any gene.
    """
    products = (space or default_space()).products
    home = next((product for product in products if product.holds(genotype)), None)
    plan = plan_of(home or max(products, key=lambda product: product.n_cells_held(genotype)))
    genes = _GENES + _BESIDE_LOSS_GENES * plan.has_beside_loss
    genes += tuple(_field(_ATTRIBUTES[cell], name) for cell, name in plan.may_be_unusual)
    for _ in range(_ATTEMPTS):
        draw = Draw(rng.random(_ROW).tolist())
        with suppress(NothingToDraw):
            mutant = draw.pick(genes)(genotype, plan, draw)
            differs = mutant.pair.is_valid and mutant.loss.is_valid and mutant.key != genotype.key
            if differs and (home is None or home.holds(mutant)):
                return mutant
    size = plan.space.canonical_size()["total"]
    raise SamplingError(f"space: must offer another value for a gene of {genotype.key}, got a space of {size}")


def _other(values: Iterable[_Value], present: object, draw: Draw) -> _Value:
    """Return one of the values that is not the present one."""
    return draw.pick([value for value in values if value != present])


def _with(genotype: Genotype, cell: str, **changes: Any) -> Genotype:
    """Return the genotype with other values of fields of one cell."""
    return dataclasses.replace(genotype, **{cell: dataclasses.replace(getattr(genotype, cell), **changes)})


def _field(cell: str, name: str) -> Gene:
    """Return the gene of a field that is drawn for itself."""

    def change(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype:
        old = getattr(genotype, cell)
        return _with(genotype, cell, **{name: _other(plan.space[type(old).__name__][name], getattr(old, name), draw)})

    return change


def _usual_fields(attribute: str, cell: type[Any]) -> tuple[Gene, ...]:
    """Return the genes of a cell that every dict form lists, its graph aside."""
    aside = {"edges", *USUAL.get(cell.__name__, {})}
    return tuple(_field(attribute, field.name) for field in dataclasses.fields(cell) if field.name not in aside)


def _chain(view: int) -> Gene:
    """Return the gene of one step in the chain of a view."""

    def change(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype:
        chain = _changed_chain((genotype.aug1, genotype.aug2)[view], plan.chains[view], draw)
        changes: dict[str, Any] = {f"aug{view + 1}": chain}
        return dataclasses.replace(genotype, **changes)

    return change


def _changed_chain(chain: Chain, plan: ChainPlan, draw: Draw) -> Chain:
    lengths, options = plan
    edit = draw.pick(("insert", "remove", "replace", "move", "parameter"))
    steps = list(chain)
    names = {choice.name for choice in chain}
    unused = [points for points in options if points[0].name not in names]
    if edit == "insert":
        steps.insert(draw.below(len(chain) + 1), draw.pick(draw.pick(unused)))
    else:
        place = draw.pick(range(len(chain)))
        step = steps.pop(place)
        if edit == "move":
            steps.insert(draw.below(len(chain)), step)
        elif edit == "replace":
            steps.insert(place, draw.pick(draw.pick(unused)))
        elif edit == "parameter":
            steps.insert(place, _changed_parameter(step, options, draw))
    if edit in ("insert", "remove") and len(steps) not in lengths:
        raise NothingToDraw
    return tuple(steps)


def _changed_parameter(choice: Choice, options: Sequence[Sequence[Choice]], draw: Draw) -> Choice:
    """Return the option with another value of one parameter."""
    name, value = draw.pick(choice.parameters)
    values = {point.params[name] for points in options for point in points if point.name == choice.name}
    return Choice(choice.name, tuple({**choice.params, name: _other(sorted(values), value, draw)}.items()))


def _pair_kind(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype:
    """Switch one pair kind on or off."""
    kinds = {*genotype.pair.kinds} ^ {draw.pick(plan.space["PairCell"]["kinds"])}
    return _with(genotype, "pair", kinds=tuple(kinds))


def _loss(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype:
    """Change the loss; its parameters come with it."""
    others = [points for points in plan.losses if points[0].name != genotype.loss.loss.name]
    return _with_loss(genotype, draw.pick(draw.pick(others)), plan, draw)


def _loss_parameter(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype:
    """Change one parameter of the loss."""
    return _with_loss(genotype, _changed_parameter(genotype.loss.loss, plan.losses, draw), plan, draw)


def _with_loss(genotype: Genotype, loss: Choice, plan: Plan, draw: Draw) -> Genotype:
    """Return the genotype with another loss, and with what that needs for the first time."""
    present, new = genotype.loss, {}
    if not dataclasses.replace(present, loss=loss).is_valid:  # an auxiliary loss has to stand alone
        own = present.auxiliary
        kept = own and Choice(own.name, tuple(one for one in own.parameters if one[0] != "own_steps"))
        new["auxiliary"] = kept if kept in itertools.chain(*plan.alone) else draw.pick(draw.pick(plan.alone))
    elif present.similarity == NONE and loss.name != NONE:
        new["similarity"] = draw.pick(plan.similarities)
        weightings = [*itertools.chain(*plan.beside_loss["weighting"])]
        new |= {} if None in weightings else {"weighting": draw.pick(weightings)}
    return _with(genotype, "loss", loss=loss, **new)


def _beside_loss(name: str) -> Gene:
    """Return the gene of what stands beside the loss: another option, none, or one parameter of it."""

    def change(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype:
        choices = itertools.chain(*plan.beside_loss[name])
        return _with(genotype, "loss", **{name: _other(choices, getattr(genotype.loss, name), draw)})

    return change


def _operator(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype:
    """Change the operator of one edge."""
    edges = list(genotype.encoder.edges)
    place = draw.below(len(edges))
    source, present = edges[place]
    edges[place] = (source, _other(plan.operators, present, draw))
    return _with(genotype, "encoder", edges=edges)


def _source(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype:
    """Change which node the free edge of a node reads; the other edge reads its predecessor."""
    pairs = [list(pair) for pair in incoming(genotype.encoder.edges)]
    node = draw.pick(range(2, len(pairs) + 1))
    pair = pairs[node - 1]
    place = draw.pick([place for place in (0, 1) if pair[1 - place][0] == node - 1])
    pair[place] = (_other(range(node), pair[place][0], draw), pair[place][1])
    return _with(genotype, "encoder", edges=[edge for pair in pairs for edge in pair])


def _last_node(genotype: Genotype, plan: Plan, draw: Draw) -> Genotype:
    """Add a node behind the last, or take the last away."""
    edges, n_inner = genotype.encoder.edges, genotype.encoder.n_inner
    n_new = n_inner + draw.pick((-1, 1))
    if n_new not in plan.nodes:
        raise NothingToDraw
    if n_new < n_inner:
        return _with(genotype, "encoder", edges=edges[:-2])
    first = (n_inner, draw.pick(plan.operators))
    return _with(genotype, "encoder", edges=[*edges, first, (draw.below(n_new), draw.pick(plan.operators))])


_GENES: tuple[Gene, ...] = (
    _chain(0),
    _chain(0),
    _chain(1),
    _chain(1),
    *_usual_fields("embed", EmbedCell),
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
    *_usual_fields("encoder", EncoderCell),
    *_usual_fields("train", TrainCell),
)
_BESIDE_LOSS_GENES = (_beside_loss("weighting"), _beside_loss("auxiliary"))
