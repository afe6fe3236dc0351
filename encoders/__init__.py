"""Encoders: what computes representations, built from an encoder cell of the search space."""

from encoders.cell import Cell
from encoders.combined import AnyEncoder, CombinedEncoder, combined
from encoders.encoder import Encoder
from encoders.input_normalization import NORMALIZATIONS, NormalizedInput, normalize_input

__all__ = [
    "NORMALIZATIONS",
    "AnyEncoder",
    "Cell",
    "CombinedEncoder",
    "Encoder",
    "NormalizedInput",
    "combined",
    "normalize_input",
]
