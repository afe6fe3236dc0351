"""A task: a dataset, what is asked of it, and a test part that opens once."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from downstream.errors import DataError
from downstream.kinds import KINDS, task_kind
from downstream.scaling import Scaler
from downstream.windows import Windows

if TYPE_CHECKING:
    from downstream.kinds import TaskKind

_Part = TypeVar("_Part")


@dataclass(frozen=True)
class TaskSpec:
    """What is asked, in facts that are printed beside every number.

    Args:
        name: The name of the dataset.
        kind: One of `KINDS`.
        window: The encoder's lookback, in steps (the longest case where windows are whole cases).
        horizons: Forecast lengths in steps, ascending; empty for other kinds.
        raw_lags: Lookback of the raw-lag baseline, in steps.
        metric: The name of the score.
        higher_is_better: The direction of the score.
        family: Sets of common origin share it.
        protocol: How the data was split, scaled and cut, in one line.
    """

    name: str
    kind: str
    window: int
    horizons: tuple[int, ...]
    raw_lags: int
    metric: str
    higher_is_better: bool
    family: str
    protocol: str

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"TaskSpec.kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        if self.window < 1 or self.raw_lags < 1 or any(horizon < 1 for horizon in self.horizons):
            raise ValueError(
                f"TaskSpec: window, raw_lags and horizons count steps and must be at least 1, "
                f"got {self.window}, {self.raw_lags}, {self.horizons}"
            )

    @classmethod
    def of(
        cls,
        kind: str,
        *,
        name: str,
        family: str | None,
        window: int,
        protocol: Sequence[str],
        horizons: tuple[int, ...] = (),
        raw_lags: int | None = None,
    ) -> TaskSpec:
        """Return the spec of a task of a kind; a family is the name, and raw lags are the window, where not given."""
        return cls(
            name=name,
            kind=kind,
            window=window,
            horizons=horizons,
            raw_lags=raw_lags or window,
            metric=task_kind(kind).metric,
            higher_is_better=task_kind(kind).higher_is_better,
            family=family or name,
            protocol="; ".join(protocol),
        )


class Sealed(Generic[_Part]):
    """The test part of a task: handed out once, so that nothing can be chosen on it.

    Args:
        content: The part, or None where the task has none.
        reason: Why there is none; completes "this task has no test part: ...".
    """

    def __init__(self, content: _Part | None, *, reason: str = "") -> None:
        self._content = content
        self._reason = reason
        self._opened = False

    @property
    def exists(self) -> bool:
        """Whether the task has a test part at all."""
        return self._content is not None

    def open(self, name: str) -> _Part:
        """Return the content, once.

        Raises:
            DataError: If there is none.
            RuntimeError: On the second call.
        """
        if self._content is None:
            raise DataError(f"{name}: this task has no test part: {self._reason}")
        if self._opened:
            raise RuntimeError(f"{name}: the test part was opened before; it is opened once, by the final report")
        self._opened = True
        return self._content


@dataclass(frozen=True)
class Identity:
    """Names that data bears itself; an empty tuple where it has none, and position counts.

    Args:
        columns: Of the variates.
        series: Ids of the series, one per row of the scaler.
        steps: Of the columns of a table with a case per row, each a time step.
    """

    columns: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """16 hex digits over all names."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:16]

    @property
    def facts(self) -> dict[str, list[str]]:
        """JSON values from which `from_facts` makes the same."""
        return {name: list(names) for name, names in asdict(self).items()}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Identity:
        """Read what `facts` wrote.

        Raises:
            ValueError: If something in it is no list of names.
        """
        names = {each.name: facts.get(each.name, []) for each in fields(cls)}
        if not all(isinstance(some, list) and all(isinstance(name, str) for name in some) for some in names.values()):
            raise ValueError("columns, series and steps must be lists of names")
        return cls(**{name: tuple(some) for name, some in names.items()})


@dataclass(frozen=True, eq=False, kw_only=True)
class Task(ABC):
    """What every kind of task offers; the data of a kind is in its subclass.

    Args:
        spec: What is asked.
        variates: Names of the input columns, targets first.
        hash: 16 hex digits over the data and every fact that moves a score.
        sealed: The test part.
        scaler: What scaled the values, fitted on training rows alone; `n_rows_seen` proves which.
        training_cut: Steps of a training window where the protocol demands them, as TS2Vec
            does; None leaves the length of training cuts to the trainer.
        identity: By what names the data is known again.
        parts: Which series, rows or cases of the data train, validate and test, as `data.parts` has it; empty where
            that was not written down.
    """

    spec: TaskSpec
    variates: tuple[str, ...]
    hash: str
    sealed: Sealed[Any] = field(repr=False)
    scaler: Scaler
    training_cut: int | None = None
    identity: Identity = field(default_factory=Identity)
    parts: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def kind(self) -> TaskKind:
        """What can be asked of all tasks of this kind."""
        return task_kind(self.spec.kind)

    @property
    def question(self) -> dict[str, Any]:
        """What is asked beside the kind, as arguments of `load_task` for other data with the same columns."""
        return {}

    @property
    def lookbacks(self) -> tuple[int, ...]:
        """The windows that a candidate may have, in steps; 0 stands for the task's own, and often nothing else does."""
        return (0,)

    def with_window(self, steps: int) -> Self:
        """Return the task as an encoder with a window of its own sees it; with 0, or the task's own, the task itself.

        The hash stays: it is of the data and the question, and a candidate's key says the rest.

        Raises:
            ValueError: If there is no such choice.
        """
        if steps not in (0, self.spec.window):
            raise ValueError(f"tasks of kind {self.spec.kind} have windows of their own, got {steps}")
        return self

    @property
    def n_variates(self) -> int:
        """The number of input columns."""
        return len(self.variates)

    @property
    def has_test(self) -> bool:
        """Whether `open_test` can hand anything out."""
        return self.sealed.exists

    @abstractmethod
    def training_windows(self, *, limit: int = 20_000) -> Windows:
        """Return windows of training rows only, at most about `limit`, none of them entirely missing."""

    @abstractmethod
    def open_test(self) -> Any:
        """Return the test part, once.

        Raises:
            DataError: If the task has no test part.
            RuntimeError: On the second call.
        """

    def known_of(self, windows: Windows) -> tuple[str, list[str]] | None:
        """Return what is known of some training windows: a word for it, and a text per window; None for nothing."""
        del windows
        return None

    def without_test(self) -> Self:
        """Return the same task with its test part removed: what a worker process needs."""
        return dataclasses.replace(self, sealed=Sealed(None, reason="it was removed by without_test()"))

    def __repr__(self) -> str:
        spec = self.spec
        return f"{type(self).__name__}({spec.name!r}, n_variates={self.n_variates}, window={spec.window}, {self.hash})"


def task_hash(facts: Mapping[str, Any], arrays: Iterable[NDArray[Any]]) -> str:
    """Return 16 hex digits over facts and raw arrays, equal on every machine.

    The name of the dataset is no part of it: a renamed copy is the same task.

    Args:
        facts: What moves a score besides the data, as JSON values.
        arrays: Unscaled data and labels; the hash sees shapes, and all bits of floats.
    """
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for array in arrays:
        kind = "<f8" if array.dtype.kind == "f" else "<i8"
        plain = np.ascontiguousarray(array.astype(kind))
        if kind == "<f8":
            plain[np.isnan(plain)] = np.nan  # one bit pattern for all NaN
        digest.update(f"{array.shape}{kind}".encode())
        digest.update(plain.tobytes())
    return digest.hexdigest()[:16]
