"""The vocabulary: which column of a vertex's features means what, by name.

A comparator is worth nothing without the vocabulary it was trained with, so the
two are saved together, and a name outside the vocabulary is an error or noted,
never a silent zero.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compute.user_error import DATA, UserError
from search_space.genotype.graph import VERTEX_KINDS, Vertex
from search_space.genotype.rules import CHANNELS, INPUTS, NONE, NORMALIZATIONS, POOLS
from search_space.registry import PROVIDERS, options, unknown_name
from search_space.sentences import one_line

VOCABULARY_SCHEMA = 1


class VocabularyError(UserError, ValueError):
    """A name that a vocabulary does not hold, or a vocabulary that the registry does not know."""

    exit_status = DATA

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


@dataclass(frozen=True)
class Scale:
    """Maps a parameter's usual range `[low, high]` to [0, 1], on a log axis where `log`."""

    low: float
    high: float
    log: bool = False

    @property
    def usable(self) -> bool:
        """Whether the range is one: finite, not empty, positive on a log axis."""
        return (
            math.isfinite(self.low)
            and math.isfinite(self.high)
            and self.high > self.low > (0 if self.log else -math.inf)
        )

    def __call__(self, value: float) -> float:
        """Return the normalised value, cut one range beyond either end."""
        low, high, at = self.low, self.high, float(value)
        if self.log:
            low, high, at = math.log(low), math.log(high), math.log(max(at, 1e-12))
        return min(max((at - low) / (high - low), -1.0), 2.0)


# Ranges of what no registered option owns. They are part of a checkpoint's meaning.
_STRUCTURE: Mapping[str, Scale] = {
    "encoder.blocks": Scale(1, 8, log=True),
    "encoder.hidden": Scale(8, 256, log=True),
    "encoder.output": Scale(32, 512, log=True),
    "encoder.dropout": Scale(0, 0.3),
    "encoder.taps": Scale(1, 8, log=True),
    "encoder.embedding": Scale(0, 512),
    "encoder.window": Scale(0, 512),
    "train.learning_rate": Scale(1e-4, 1e-2, log=True),
    "train.batch_size": Scale(4, 128, log=True),
    "train.weight_averaging": Scale(0, 1),
    "embed.jitter": Scale(0, 0.5),
    "embed.mask": Scale(0, 0.5),
    "embed.head": Scale(0, 256),
    "pair.kernel": Scale(0, 7),
    "pair.hierarchical": Scale(0, 1),
}


@dataclass(frozen=True)
class Vocabulary:
    """Column names in order and the scale of each numeric column.

    Columns are named `vertex/<kind>`, `<option kind>/<option>`,
    `<option kind>/<option>.<parameter>`, `normalization/...`, `channels/...`,
    `pool/...` and the structural `encoder.hidden` and the like. Columns without
    a scale hold 0 or 1.
    """

    columns: tuple[str, ...]
    scales: Mapping[str, Scale]

    @cached_property
    def _index(self) -> dict[str, int]:
        return {name: at for at, name in enumerate(self.columns)}

    @classmethod
    def from_registry(cls) -> Vocabulary:
        """Return the vocabulary of everything that is registered now."""
        columns = [f"vertex/{kind}" for kind in VERTEX_KINDS]
        scales: dict[str, Scale] = {}
        for kind in PROVIDERS:
            for name, option in options(kind).items():
                columns.append(f"{kind}/{name}")
                for parameter, choices in option.choices.items():
                    columns.append(f"{kind}/{name}.{parameter}")
                    scales[columns[-1]] = _scale_of(choices, usual=option.usual.get(parameter))
        for kind, names in (
            ("loss", (NONE,)),
            ("normalization", NORMALIZATIONS),
            ("channels", CHANNELS),
            ("input", INPUTS),
            ("pool", POOLS),
        ):
            columns += [f"{kind}/{name}" for name in names]
        return cls(columns=(*columns, *_STRUCTURE), scales={**scales, **_STRUCTURE})

    def said_by(self, vertices: Iterable[Vertex]) -> Vocabulary:
        """Return what is left where only the names stay that these vertices say: others could not be learnt."""
        said: set[str] = set()
        for vertex in vertices:
            said |= {f"vertex/{vertex.kind}", *(name for name, _ in vertex.numbers)}
            for kind, choice in vertex.options:
                said |= {f"{kind}/{choice.name}", *(f"{kind}/{choice.name}.{name}" for name in choice.params)}
        columns = tuple(name for name in self.columns if name in said)
        return Vocabulary(columns, {name: scale for name, scale in self.scales.items() if name in said})

    @classmethod
    def from_json(cls, text: str) -> Vocabulary:
        """Read the form that `to_json` writes.

        Raises:
            VocabularyError: If the text is no vocabulary or is of a newer schema.
        """
        try:
            stored: dict[str, Any] = json.loads(text)
            schema = int(stored["schema"])
            columns = tuple(str(name) for name in stored["columns"])
            scales = {str(name): Scale(**scale) for name, scale in stored["scales"].items()}
            if len(set(columns)) < len(columns) or not all(scale.usable for scale in scales.values()):
                raise ValueError("columns must differ and scales must run from low to a higher high")
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise VocabularyError(f"the vocabulary must be JSON with schema, columns and scales: {error}") from error
        if schema > VOCABULARY_SCHEMA:
            raise VocabularyError(f"the vocabulary's schema must be at most {VOCABULARY_SCHEMA}, got {schema}")
        return cls(columns=columns, scales=scales)

    def to_json(self) -> str:
        """Return the vocabulary as JSON text."""
        scales = {name: vars(scale) for name, scale in self.scales.items()}
        return json.dumps({"schema": VOCABULARY_SCHEMA, "columns": self.columns, "scales": scales})

    def __len__(self) -> int:
        return len(self.columns)

    def column(self, name: str) -> int:
        """Return the index of a column.

        Raises:
            VocabularyError: If the vocabulary has no such name; suggests the nearest.
        """
        at = self._index.get(name)
        if at is None:
            group = name.split("/")[0]
            known = tuple(c for c in self.columns if c.split("/")[0] == group) or self.columns
            raise VocabularyError(unknown_name("vocabulary entry", name, known))
        return at

    def normalised(self, name: str, value: float) -> float:
        """Return what a column holds for a raw value."""
        scale = self.scales.get(name)
        return float(value) if scale is None else scale(value)

    def row(self, vertex: Vertex, lacking: set[str] | None = None) -> NDArray[np.float32]:
        """Return the features of a vertex, (features,).

        Args:
            vertex: What stands there.
            lacking: Where names are noted that the vocabulary lacks; an error where None. An unknown option is
                then what is known of its kind: the mean of the known ones, their parameters in the middle of
                their ranges. Any other unknown name is left out.

        Raises:
            VocabularyError: If the vocabulary lacks a name and `lacking` is None.
        """
        said: list[tuple[str, float]] = [(f"vertex/{vertex.kind}", 1.0)]
        row = np.zeros(len(self), dtype=np.float32)
        for kind, choice in vertex.options:
            if lacking is not None and f"{kind}/{choice.name}" not in self._index:
                lacking.add(f"{kind} {choice.name}")
                row += self._mean_of(kind)
                continue
            said.append((f"{kind}/{choice.name}", 1.0))
            said += [(f"{kind}/{choice.name}.{name}", value) for name, value in choice.parameters]
        for name, value in (*said, *vertex.numbers):
            if lacking is not None and name not in self._index:
                lacking.add(name.replace("/", " "))
            else:
                row[self.column(name)] = self.normalised(name, value)
        return row

    def _mean_of(self, kind: str) -> NDArray[np.float32]:
        """Return the mean of the known options of a kind, (features,)."""
        row = np.zeros(len(self), dtype=np.float32)
        columns = [(at, name) for at, name in enumerate(self.columns) if name.startswith(f"{kind}/")]
        options_at = [at for at, name in columns if name not in self.scales]
        for at, name in columns:
            row[at] = (0.5 if name in self.scales else 1.0) / max(len(options_at), 1)
        return row

    def check_registry(self) -> None:
        """Check that every option of the vocabulary can still be built.

        Raises:
            VocabularyError: If the registry lacks an option; names all of them.
        """
        known = set(Vocabulary.from_registry().columns)
        unknown = [column.partition("/") for column in self.columns if column not in known]
        missing = [f"{kind} {name!r}" for kind, _, name in unknown if kind in PROVIDERS]
        if missing:
            raise VocabularyError(f"the registry does not know these vocabulary entries: {', '.join(missing)}")


def _scale_of(choices: tuple[float, ...], *, usual: float | None = None) -> Scale:
    """Return the scale of a parameter; its usual value, of which a genotype says nothing, is 0 there."""
    low, high = float(min(choices)), float(max(choices))
    if usual is not None:
        return Scale(usual, usual + max(high - low, 1e-3))
    if high <= low:
        return Scale(low, low + 1.0)
    return Scale(low, high, log=low > 0 and high / low >= 8)
