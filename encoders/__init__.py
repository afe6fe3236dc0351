"""Encoders: what computes representations, built from an encoder cell of the search space."""

from encoders.cell import Cell
from encoders.encoder import Encoder
from encoders.input_normalization import NORMALIZATIONS, NormalizedInput, normalize_input

__all__ = ["NORMALIZATIONS", "Cell", "Encoder", "NormalizedInput", "normalize_input"]
