"""Genotypes drawn at random, as JSON lines."""

import json

import numpy as np

from nas.cli.text import Shown
from nas.options.space import SampleOptions
from search_space.drawing import sample_candidates
from search_space.space import default_space, full_space


def sample_space(options: SampleOptions) -> Shown:
    """Return different genotypes in the dict form, one line each.

    Raises:
        SamplingError: If the space holds fewer.
    """
    space = full_space() if options.space == "full" else default_space()
    drawn = sample_candidates(options.number, np.random.default_rng(options.rng_seed), space)
    return Shown("\n".join(json.dumps(genotype.to_dict()) for genotype in drawn))
