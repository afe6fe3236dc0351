"""The anomaly score that is handed over: parts fitted to the normal rows of a series, in units of what is usual, added.

Nothing is chosen by labels, planted or real: the weights are constants, and the units come from the normal rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compute.memory import at_a_time
from downstream.anomaly.detection.attribution import over_steps, thinned_ends, window_ends
from downstream.anomaly.detection.parts import PARTS, Cuts, Part
from downstream.anomaly.detection.parts._part import PartByVariate
from downstream.represent import Represent, flatten_streams, represented
from downstream.windows import Windows

Floats = NDArray[np.floating]
Places = NDArray[np.int64]

WEIGHTS: Mapping[str, float] = MappingProxyType(
    {"nearest": 1.0, "nearest_shape": 1.0, "sub_pca": 1.0, "amplitude": 0.5}
)
"""Of the parts in the sum. Equal, as weights that labels of a few sets prefer do not carry over; half for amplitude,
which pays where values are large and hurts where shapes are all that is strange (`docs/results.md`)."""
MAX_KNOWN = 2000
"""Normal windows that are kept in mind, spread evenly."""
MOST_NUMBERS = 2**24
"""Of the normal windows, which are fewer where there are very many variates."""
_LARGEST = 1e6  # deviations; beyond, all is equally strange, and squares would overflow
THRESHOLD = 1.0
"""Of scores: what lies above it is called strange."""
THRESHOLD_TEXT = (
    "a score of 1 is what one in a hundred normal rows of the series exceeds, each scored as if it had not been seen"
)
_QUANTILE = 0.99
BLOCK_WINDOWS = 2048
_COPIES = 24  # bytes for each number of a window or of its representation: itself, differences, products
_LEAST_SHARE = 0.3  # of the mean that the median is taken for, where most normal steps hardly score


@dataclass(frozen=True, eq=False)
class NormalRows:
    """Consecutive rows of a series that say what is normal.

    Args:
        values: Scaled, (time, variates).
        first: Which row of the series the first of them is.
    """

    values: NDArray[np.float32]
    first: int = 0

    def are_in(self, values: NDArray[np.float32]) -> bool:
        """Whether a series has these rows in their place, so that it is the recording that they come from."""
        own = values[self.first : self.first + len(self.values)]
        return np.array_equal(own, self.values, equal_nan=True)


class Strangeness(NamedTuple):
    """What is said of some steps of a series.

    Attributes:
        parts: Scores of each part in usual scores of normal steps, (steps,) each.
        total: Their weighted mean, divided by what one in a hundred normal steps exceeds, (steps,).
        shares: What each variate adds to the parts that know variates apart; rows sum to 1, (steps, variates).
    """

    parts: Mapping[str, Floats]
    total: NDArray[np.float64]
    shares: NDArray[np.float32]


class Detector:
    """Parts fitted to the normal rows of one series.

    Args:
        normal: The rows, at least one.
        window: Steps per window.
        represent: The encoder; None where no part needs one.
        weights: Parts by name and what each counts.
        max_known: Normal windows that are kept in mind, at most.
    """

    def __init__(
        self,
        normal: NormalRows,
        *,
        window: int,
        represent: Represent | None = None,
        weights: Mapping[str, float] = WEIGHTS,
        max_known: int = MAX_KNOWN,
    ) -> None:
        self._normal, self._window, self._represent = normal, window, represent
        self._weights = dict(weights)
        limit = max(1, min(max_known, MOST_NUMBERS // (window * normal.values.shape[1])))
        ends = thinned_ends(len(normal.values), window=window, limit=limit)
        (known,) = self._cuts(normal.values, ends, places=ends, at_once=True)
        self._parts: dict[str, Part] = {name: PARTS[name].fit(known) for name in weights}
        steps = slice(0, len(normal.values))
        own = {
            name: over_steps(scores, ends, window=window, steps=steps)
            for name, scores in self._of_windows(iter([known]))[0].items()
        }
        self._usual = {name: usual_size(scores) for name, scores in own.items()}
        self._unit = 1.0
        self._unit = unit_of(self._total(own))
        self.usual = self._total(own)
        """Total scores of the normal steps, each as if it had not been seen, (time,)."""

    def strangeness(self, values: NDArray[np.float32], *, first: int = 0) -> Strangeness:
        """Return what is strange about the steps of a series.

        Where the series is the recording that the normal rows come from, windows are not compared with those that
        overlap them.

        Args:
            values: Scaled rows of the whole series, (time, variates).
            first: The first step that is asked about; those before it are context.
        """
        ends = window_ends(len(values), window=self._window, first=first)
        places = ends - self._normal.first if self._normal.are_in(values) else None
        scores, squares = self._of_windows(self._cuts(values, ends, places=places))
        steps = slice(first, len(values))
        on_steps = {name: over_steps(each, ends, window=self._window, steps=steps) for name, each in scores.items()}
        parts = {name: each / self._usual[name] for name, each in on_steps.items()}
        shares = np.zeros((len(values) - first, values.shape[1]))
        for name, each in squares.items():
            shares += self._weights[name] * _shares(over_steps(each, ends, window=self._window, steps=steps))
        return Strangeness(parts, self._total(on_steps), _shares(shares).astype(np.float32))

    def _total(self, on_steps: Mapping[str, Floats]) -> NDArray[np.float64]:
        total = sum(self._weights[name] * each / self._usual[name] for name, each in on_steps.items())
        return np.asarray(total / (sum(self._weights.values()) * self._unit), dtype=np.float64)

    def _of_windows(self, blocks: Iterator[Cuts]) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """Return for each part the scores of windows, and the squares of those that know variates apart."""
        scores: dict[str, list[Floats]] = {name: [] for name in self._parts}
        squares: dict[str, list[Floats]] = {}
        for block in blocks:
            for name, part in self._parts.items():
                if isinstance(part, PartByVariate):
                    by_variate = part.squares(block)
                    squares.setdefault(name, []).append(by_variate)
                    scores[name].append(np.sqrt(by_variate.sum(axis=1)))
                else:
                    scores[name].append(part.score(block))
        return (
            {name: np.concatenate(each) for name, each in scores.items()},
            {name: np.concatenate(each) for name, each in squares.items()},
        )

    def _cuts(
        self, values: NDArray[np.float32], ends: Places, *, places: Places | None, at_once: bool = False
    ) -> Iterator[Cuts]:
        """Yield windows block by block: the representations of a long series never exist all at once."""
        window = self._window
        # A series that is shorter than a window begins with steps where nothing is observed.
        missing = max(0, window - len(values))
        gap = np.full((missing, values.shape[1]), np.nan, dtype=np.float32)
        bounded = np.clip(values, -_LARGEST, _LARGEST)
        windows = Windows(np.concatenate([gap, bounded]), ends + missing - window + 1, window)
        represent = self._represent if any(PARTS[name].represents for name in self._weights) else None
        some = len(ends) if at_once else self._block(windows, represent)
        for begin in range(0, len(ends), some):
            block = slice(begin, begin + some)
            cut = windows.subset(block)
            yield Cuts(
                np.nan_to_num(cut.gather(), nan=0.0),
                None if places is None else places[block],
                None if represent is None else flatten_streams(represented(represent, cut)),
            )

    @staticmethod
    def _block(windows: Windows, represent: Represent | None) -> int:
        numbers = windows.length * windows.n_variates
        if represent is not None and len(windows):
            numbers += represented(represent, windows.subset(slice(1))).size
        return at_a_time(BLOCK_WINDOWS, "row", bytes_each=_COPIES * numbers)


def unit_of(usual: Floats) -> float:
    """Return what one in a hundred scores of normal steps exceeds, by which scores of other steps are divided.

    So series with quiet and with restless normal rows have one threshold. 1 where that is 0.
    """
    unit = float(np.quantile(usual, _QUANTILE))
    return unit if unit > 0 else 1.0


def usual_size(scores: Floats) -> float:
    """Return the median of scores >= 0, by which parts become comparable.

    It is at least three tenths of the mean, as most steps of a series that rests score next to nothing; 1 where all
    scores are 0.
    """
    size = max(float(np.median(scores)), _LEAST_SHARE * float(np.mean(scores)))
    return size if size > 1e-9 else 1.0


def _shares(sizes: Floats) -> NDArray[np.float64]:
    """Return each row divided by its sum, alike for all variates where that is 0, (steps, variates)."""
    sums = sizes.sum(axis=1, keepdims=True)
    even = np.full_like(sizes, 1.0 / sizes.shape[1], dtype=np.float64)
    return np.asarray(np.divide(sizes, sums, out=even, where=sums > 0))
