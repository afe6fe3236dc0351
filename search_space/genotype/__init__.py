"""One complete choice: its cells, the rules they keep, the dict form that is read and written, and its graph."""

from search_space.genotype.cells import Chain, Choice, EmbedCell, EncoderCell, LossCell, PairCell, TrainCell
from search_space.genotype.columns import GenotypeColumns
from search_space.genotype.genotype import Genotype
from search_space.genotype.rules import CELLS
from search_space.genotype.validation import GenotypeError

__all__ = [
    "CELLS",
    "Chain",
    "Choice",
    "EmbedCell",
    "EncoderCell",
    "Genotype",
    "GenotypeColumns",
    "GenotypeError",
    "LossCell",
    "PairCell",
    "TrainCell",
]
