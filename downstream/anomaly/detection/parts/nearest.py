"""How far the representation of a window is from the nearest one of a normal window."""

from typing import NamedTuple, Self

from downstream.anomaly.detection.parts._neighbours import neighbour
from downstream.anomaly.detection.parts._part import Cuts, Floats, Part, Places


class _Memory(NamedTuple):
    rows: Floats
    places: Places


class Nearest(Part):
    """Euclidean distance, in the space of the encoder, to the nearest normal window.

    Source: a memory of normal patches, as PatchCore (Roth et al. 2022, arXiv:2106.08265) and PaAno (Park and Kang
    2026, arXiv:2602.01359) keep it; here thinned evenly in time, and one neighbour counts.
    """

    represents = True

    def __init__(self, memory: _Memory) -> None:
        self._memory = memory

    @classmethod
    def fit(cls, known: Cuts) -> Self:
        """Keep the representations of normal windows."""
        assert known.representation is not None and known.places is not None
        return cls(_Memory(known.representation, known.places))

    def score(self, asked: Cuts) -> Floats:
        """Return the distances, (n,)."""
        assert asked.representation is not None
        memory = self._memory
        return neighbour(asked.representation, asked, reference=memory.rows, known=memory.places).distance
