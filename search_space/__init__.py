"""What can be built: the registry of options, genotypes, the search space, sampling and presets.

Needs numpy and the standard library only. Option modules, which may need more,
are imported on the first question about their kind.
"""

from search_space.drawing import (
    SamplingError,
    crossover,
    every_genotype,
    mutate,
    sample_arch,
    sample_candidates,
    sample_columns,
)
from search_space.genotype import (
    CELLS,
    Chain,
    Choice,
    EmbedCell,
    EncoderCell,
    Genotype,
    GenotypeError,
    LossCell,
    PairCell,
    TrainCell,
)
from search_space.genotype.columns import GenotypeColumns
from search_space.genotype.migrations import SCHEMA, upgrade
from search_space.genotype.notes import NOTES_OPERATORS, NotesWarning, from_notes
from search_space.presets import PRESETS, Preset, preset
from search_space.registry import Option, UnknownOptionError
from search_space.space import (
    Region,
    Regions,
    SearchSpace,
    Space,
    SpaceError,
    default_space,
    full_space,
    read_space,
)

__all__ = [
    "CELLS",
    "NOTES_OPERATORS",
    "PRESETS",
    "SCHEMA",
    "Chain",
    "Choice",
    "EmbedCell",
    "EncoderCell",
    "Genotype",
    "GenotypeColumns",
    "GenotypeError",
    "LossCell",
    "NotesWarning",
    "Option",
    "PairCell",
    "Preset",
    "Region",
    "Regions",
    "SamplingError",
    "SearchSpace",
    "Space",
    "SpaceError",
    "TrainCell",
    "UnknownOptionError",
    "crossover",
    "default_space",
    "every_genotype",
    "from_notes",
    "full_space",
    "mutate",
    "preset",
    "read_space",
    "sample_arch",
    "sample_candidates",
    "sample_columns",
    "upgrade",
]
