"""The frozen cells that a genotype consists of, each always in its normal form."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from search_space.genotype.encoder_dag import Edge, inner_nodes, sorted_edges
from search_space.genotype.rules import NEEDS_KERNEL, NONE, unusual
from search_space.registry import losses_without_similarity, usual_parameters

CellDict = dict[str, Any]


@dataclass(frozen=True)
class Choice:
    """One option with the values of its parameters, sorted by parameter name."""

    name: str
    parameters: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", tuple(sorted(self.parameters)))

    @property
    def params(self) -> dict[str, float]:
        """The parameters as keyword arguments."""
        return dict(self.parameters)

    def to_list(self) -> list[Any]:
        """Return the dict form: name and parameters."""
        return [self.name, self.params]

    @property
    def does_nothing(self) -> bool:
        """Whether every strength is zero; an option without parameters always acts."""
        return bool(self.parameters) and not any(value for _, value in self.parameters)

    def __str__(self) -> str:
        values = ", ".join(f"{name}={value:g}" for name, value in self.parameters)
        return f"{self.name}({values})" if values else self.name


Chain = tuple[Choice, ...]


def without_usual(kind: str, choice: Choice) -> Choice:
    """Return an option of a kind without the parameters that are as usual."""
    usual = usual_parameters(kind, choice.name)
    return Choice(choice.name, tuple((name, value) for name, value in choice.parameters if usual.get(name) != value))


def with_usual(kind: str, choice: Choice) -> dict[str, float]:
    """Return all parameters of an option of a kind, those included that it does not name."""
    return {**usual_parameters(kind, choice.name), **choice.params}


@dataclass(frozen=True)
class EmbedCell:
    """Transformation of representations during training.

    Args:
        jitter: Standard deviation of the added noise; 0 is none.
        mask: Share of entries set to zero, 0 to 0.95.
        norm: `none` or the name of an `embedding_norm` option.
        head: Width of a linear map that only the loss sees through, thrown away after training; 0 is none.
    """

    jitter: float = 0.0
    mask: float = 0.0
    norm: str = NONE
    head: int = 0

    def to_dict(self) -> CellDict:
        """Return the dict form."""
        return unusual("EmbedCell", vars(self))


@dataclass(frozen=True)
class PairCell:
    """What is contrasted with what.

    Args:
        kinds: Names of `pair` options; kept sorted.
        pool: `avg` or `max`; kept at `max` where nothing is pooled.
        kernel: Steps pooled per level of the hierarchy; 0 is no hierarchy.
    """

    kinds: tuple[str, ...]
    pool: str = "max"
    kernel: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "kinds", tuple(sorted(self.kinds)))
        if not self.pools:
            object.__setattr__(self, "pool", "max")

    @property
    def pools(self) -> bool:
        """Whether `pool` matters: without a hierarchy, temporal pairs compare single steps."""
        return self.kernel > 0 or self.kinds != ("temporal",)

    @property
    def is_valid(self) -> bool:
        """Whether something is contrasted, and across scales only where there are several."""
        return bool(self.kinds) and (self.kernel > 0 or NEEDS_KERNEL not in self.kinds)

    def to_dict(self, known: tuple[str, ...] = ()) -> CellDict:
        """Return the dict form, with a flag for each of the `known` pair kinds."""
        flags: CellDict = {kind: kind in self.kinds for kind in sorted({*known, *self.kinds})}
        return {**flags, "pool": self.pool, "kernel": self.kernel}


@dataclass(frozen=True)
class LossCell:
    """The loss with its parameters, the similarity it compares with, and what stands beside it.

    Args:
        loss: A `loss` option; `none` contrasts nothing, and then the Aug, Embed and Pair cells have no say.
        similarity: Name of a `similarity` option; kept at `none` where the loss
            compares nothing.
        weighting: A `weighting` option, how much each anchor counts; None counts
            all alike, and so does a loss that has no anchors.
        auxiliary: An `auxiliary` option, a second loss that is added or has steps of its own; None adds nothing. Kept
            without parameters that are as usual.
    """

    loss: Choice
    similarity: str
    weighting: Choice | None = None
    auxiliary: Choice | None = None

    def __post_init__(self) -> None:
        if self.loss.name in losses_without_similarity():
            object.__setattr__(self, "similarity", NONE)
            object.__setattr__(self, "weighting", None)
        if self.auxiliary is not None:
            object.__setattr__(self, "auxiliary", without_usual("auxiliary", self.auxiliary))

    @property
    def contrasts(self) -> bool:
        """Whether there is a loss on views, and not an auxiliary one alone."""
        return self.loss.name != NONE

    @property
    def own_steps(self) -> float:
        """Steps per iteration that the auxiliary loss takes with an optimiser of its own; 0 where it is added."""
        return 0.0 if self.auxiliary is None else self.auxiliary.params.get("own_steps", 0.0)

    @property
    def is_valid(self) -> bool:
        """Whether there is something to learn from: without a loss on views, an auxiliary one that takes its place."""
        return self.contrasts or (self.auxiliary is not None and not self.own_steps)

    def to_dict(self) -> CellDict:
        """Return the dict form; the loss's parameters stand beside its name, and what is off is not listed."""
        beside = {"weighting": self.weighting, "auxiliary": self.auxiliary}
        listed = {name: choice.to_list() for name, choice in beside.items() if choice is not None}
        return {"loss": self.loss.name, "similarity": self.similarity, **self.loss.params, **listed}


@dataclass(frozen=True)
class EncoderCell:
    """The encoder's graph and its hyperparameters.

    Args:
        edges: `(node, op)` by target node (see `encoder_dag`); the two edges of
            a node are kept sorted.
        blocks: How many copies of the graph are stacked.
        hidden: Channels inside the graph.
        output: Channels of a representation; 0 for those of the graph, without a map to others.
        dropout: Probability in [0, 1).
        normalization: Of the input window: `none`, `instance` or `last`.
        channels: `independent` (variates share weights) or `mixed`.
        readout: Name of a `readout` option.
        input: What of a variate is encoded: `raw` values, the `difference` from step to step, `both` side by side, or
            `signed`: rises and falls from step to step side by side.
        taps: How many of the last blocks the readout reads, each by itself; at most all of them.
        embedding: Width of a linear map behind the readout; 0 for what the readout gives.
        window: Steps that it looks back, where a task leaves that open; 0 for as many as the task says.
    """

    edges: tuple[Edge, ...]
    blocks: int
    hidden: int
    output: int
    dropout: float
    normalization: str
    channels: str
    readout: str
    input: str = "raw"
    taps: int = 1
    embedding: int = 0
    window: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "edges", sorted_edges(self.edges))
        object.__setattr__(self, "taps", min(self.taps, self.blocks))

    @classmethod
    def of(cls, edges: Sequence[Edge], between: Sequence[Any], readout: str) -> "EncoderCell":
        """Return the cell of a graph, of what `between` gives, and of a readout."""
        return cls(edges=tuple(edges), readout=readout, **dict(zip(BETWEEN, between, strict=True)))

    @property
    def between(self) -> tuple[Any, ...]:
        """The values of the genes in `BETWEEN`."""
        return tuple(getattr(self, name) for name in BETWEEN)

    @property
    def features(self) -> int:
        """Channels of the representation of a step."""
        return self.output or self.hidden

    @property
    def n_inner(self) -> int:
        """Number of inner nodes of the graph."""
        return inner_nodes(self.edges)

    def hyperparameters(self) -> CellDict:
        """Return the dict form without the edges."""
        return unusual("EncoderCell", {name: value for name, value in vars(self).items() if name != "edges"})

    def to_dict(self) -> CellDict:
        """Return the dict form."""
        return {"edges": [[node, op] for node, op in self.edges], **self.hyperparameters()}


BETWEEN = tuple(field.name for field in fields(EncoderCell) if field.name not in ("edges", "readout"))
"""The encoder's genes that are neither its graph nor its readout."""


@dataclass(frozen=True)
class TrainCell:
    """How the encoder is trained; the number of iterations is a fidelity, not a gene.

    Args:
        learning_rate: Of the optimiser, > 0.
        batch_size: Windows per step.
        weight_averaging: Evaluate the running mean of the weights (as TS2Vec does).
    """

    learning_rate: float
    batch_size: int
    weight_averaging: bool

    def __str__(self) -> str:
        weights = "averaged" if self.weight_averaging else "last"
        return f"learning rate {self.learning_rate:g}, batches of {self.batch_size}, {weights} weights"
