"""Landmarks of a task: what a fixed dozen of small encoders scores on it, untrained.

Statistics of a dataset do not say which encoder suits it; how a few encoders do on it says more (landmarking:
Pfahringer et al., "Meta-learning by landmarking various learning algorithms", ICML 2000). All are presets, which
every search probes first, so they cost nothing extra.
"""

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ahc.training.comparisons import robust_deviation
from search_space.genotype import Genotype
from search_space.presets import preset

PROBES = (
    "ts2vec",
    "minirocket",
    "hydra",
    "values",
    "rocket_patches",
    "dlinear",
    "paano",
    "simclr",
    "patchtst",
    "itransformer",
    "tsmixer",
    "timesnet",
)
"""The presets that are probed, in the order of a landmark vector."""
_FEWEST = 4
_MOST = 3.0  # deviations


@cache
def probes(kind: str) -> tuple[Genotype, ...]:
    """Return the fixed probes in the form of a kind of task, in the order of a landmark vector."""
    return tuple(preset(name, kind=kind) for name in PROBES)


def landmark_vector(untrained: Mapping[str, float], *, kind: str) -> NDArray[np.float32]:
    """Return how the fixed probes do against each other on a task, (probes,).

    A value is the probe's score minus their median, over their robust deviation, cut at +-3; 0 where it is not known,
    and everywhere where fewer than four are.

    Args:
        untrained: Untrained score of each encoder that was probed, larger = better, by `Genotype.untrained_key`.
        kind: Of the task.
    """
    scores = np.array([untrained.get(genotype.untrained_key, np.nan) for genotype in probes(kind)], dtype=np.float64)
    known = scores[np.isfinite(scores)]
    if len(known) < _FEWEST:
        return np.zeros(len(scores), dtype=np.float32)
    standardised = np.clip((scores - np.median(known)) / robust_deviation(known), -_MOST, _MOST)
    vector: NDArray[np.float32] = np.nan_to_num(standardised).astype(np.float32)
    return vector
