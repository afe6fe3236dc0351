"""Which values are legal in which field, known to the genotype and the space alike."""

import math
import numbers
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from search_space import registry
from search_space.genotype.encoder_dag import MAX_INNER_NODES

MAX_CHAIN = 6
POOLS = ("avg", "max")
KERNELS = (0, 2, 3, 5, 7)
NONE = registry.NONE
NORMALIZATIONS = ("none", "instance", "last")
CHANNELS = ("independent", "mixed")
INPUTS = ("raw", "difference", "both", "signed")
WINDOWS = (0, 96, 192, 336, 512)
"""Steps that an encoder looks back; 0: as many as the task says."""
NEEDS_KERNEL = "cross_scale"


@dataclass(frozen=True)
class Range:
    """An interval of legal numbers.

    Args:
        low: Least value.
        high: Greatest value; infinity means any finite one.
        integer: Only whole numbers are legal.
        open_low: `low` itself is not legal.
        open_high: `high` itself is not legal.
    """

    low: float
    high: float = math.inf
    integer: bool = False
    open_low: bool = False
    open_high: bool = False

    def holds(self, value: object) -> bool:
        """Return whether a value is a legal number (True and False are not numbers)."""
        if isinstance(value, bool) or not isinstance(value, numbers.Integral if self.integer else numbers.Real):
            return False
        try:
            number = float(value)
        except OverflowError:
            return False
        if not math.isfinite(number) or number < self.low or number > self.high:
            return False
        return not (self.open_low and number == self.low) and not (self.open_high and number == self.high)

    def __str__(self) -> str:
        what = "an integer" if self.integer else "a finite number"
        if math.isinf(self.high):
            return f"{what} {'>' if self.open_low else '>='} {self.low:g}"
        left, right = "(" if self.open_low else "[", ")" if self.open_high else "]"
        return f"{what} in {left}{self.low:g}, {self.high:g}{right}"


POSITIVE = Range(0.0, open_low=True)
NOT_NEGATIVE = Range(0.0)
RATIO = Range(0.0, 0.95)

PARAMETERS: Mapping[str, Range] = MappingProxyType(
    {
        "ratio": RATIO,
        "sigma": NOT_NEGATIVE,
        "temperature": POSITIVE,
        "margin": POSITIVE,
        "weight": POSITIVE,
        "strength": Range(0.0, 1.0, open_high=True),
        "own_steps": Range(0.0, 1.0),
    }
)


@dataclass(frozen=True)
class Options:
    """The registered options of a kind, as legal values.

    Args:
        kind: Of the options.
        optional: `none` is legal too.
        parametrised: The options' parameters are fields beside this one.
    """

    kind: str
    optional: bool = False
    parametrised: bool = False

    def names(self) -> tuple[str, ...]:
        """Return the legal names; asks the registry."""
        return (*[NONE] * self.optional, *registry.options(self.kind))

    def parameters(self, names: Iterable[Any]) -> dict[str, tuple[float, ...]]:
        """Return `<option>.<parameter>` -> registered choices, of those options among the names whose fields count."""
        known = registry.options(self.kind) if self.parametrised else {}
        return {
            f"{name}.{parameter}": choices
            for name in names
            if isinstance(name, str) and name in known
            for parameter, choices in known[name].choices.items()
        }

    def usual(self, names: Iterable[Any]) -> dict[str, float]:
        """Return `<option>.<parameter>` -> usual value, of the same options and of those parameters that have one."""
        usual = registry.usual_parameters
        return {
            field: usual(self.kind, option)[parameter]
            for field in self.parameters(names)
            for option, _, parameter in [field.partition(".")]
            if parameter in usual(self.kind, option)
        }


Rule = Range | Options | tuple[Any, ...]

_CHAIN: Mapping[str, Rule] = {
    "options": Options("augmentation", parametrised=True),
    "lengths": Range(0, MAX_CHAIN, integer=True),
}
FIELDS: Mapping[str, Mapping[str, Rule]] = MappingProxyType(
    {
        "AugCell1": _CHAIN,
        "AugCell2": _CHAIN,
        "EmbedCell": {
            "jitter": NOT_NEGATIVE,
            "mask": RATIO,
            "norm": Options("embedding_norm", optional=True),
            "head": Range(0, 1024, integer=True),  # 0: the loss sees the representation itself
        },
        "PairCell": {"kinds": Options("pair"), "pool": POOLS, "kernel": KERNELS},
        "LossCell": {
            "loss": Options("loss", optional=True, parametrised=True),  # none: an auxiliary loss alone
            "weighting": Options("weighting", optional=True, parametrised=True),
            "auxiliary": Options("auxiliary", optional=True, parametrised=True),
            "similarity": Options("similarity"),
        },
        "EncoderCell": {
            "blocks": Range(1, 12, integer=True),
            "hidden": Range(1, 4096, integer=True),
            "output": Range(0, 1024, integer=True),  # 0: as wide as the latent, without a map
            "dropout": Range(0.0, 1.0, open_high=True),
            "nodes": Range(1, MAX_INNER_NODES, integer=True),
            "operators": Options("operator"),
            "normalization": NORMALIZATIONS,
            "channels": CHANNELS,
            "readout": Options("readout"),
            "input": INPUTS,
            "taps": Range(1, 12, integer=True),
            "embedding": Range(0, 4096, integer=True),  # 0: what the readout gives, without a map behind it
            "window": WINDOWS,
        },
        "TrainCell": {
            "learning_rate": POSITIVE,
            "batch_size": Range(2, 1024, integer=True),
            "weight_averaging": (False, True),
        },
    }
)
"""Cell -> field -> what may stand there. Chains, pair kinds, nodes and operators are fields of a space only."""
CELLS = tuple(FIELDS)
USUAL: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {"EmbedCell": {"head": 0}, "EncoderCell": {"input": "raw", "taps": 1, "embedding": 0, "window": 0}}
)
"""Cell -> genes that are left out of what is written, and need not stand in what is read, where they are as here."""


def unusual(cell: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the genes of a cell, name -> value, without those that are as in `USUAL`."""
    usual = USUAL.get(cell, {})
    return {name: value for name, value in fields.items() if name not in usual or value != usual[name]}


def parameter_range(name: str, choices: Iterable[float]) -> Range:
    """Return the legal range of an option's parameter.

    Parameters that every author means alike have a fixed range. Any other keeps
    the sign of its registered choices: all positive, not negative, or free.
    """
    if name in PARAMETERS:
        return PARAMETERS[name]
    least = min(choices, default=-math.inf)
    if least < 0:
        return Range(-math.inf)
    return POSITIVE if least > 0 else NOT_NEGATIVE
