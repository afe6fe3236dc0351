"""Random genotypes of the full space at many shapes: each builds, trains one step, stays finite, encodes gaps.

The suite takes a few genotypes; `pytest tests/test_whole_space.py --genotypes 2000` takes as many as you like, and
`--part 1/2` every second of them, so that two cores can share the work.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from nas.model import ContrastiveModel
from search_space import Genotype, full_space, registry, sample_candidates

VARIATES = (1, 3, 12)
LENGTHS = (24, 96, 333)
SHAPES = list(itertools.product(VARIATES, LENGTHS))
BATCH = 3


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Spread the genotypes over the shapes: each shape sees every genotype when asked for all of them."""
    if "genotype" not in metafunc.fixturenames:
        return
    n = metafunc.config.getoption("--genotypes")
    part, parts = (int(number) for number in metafunc.config.getoption("--part").split("/"))
    genotypes = sample_candidates(n, np.random.default_rng(0), full_space())
    if metafunc.config.getoption("--every-shape"):
        cases = list(itertools.product(genotypes, SHAPES))
    else:
        cases = [(genotype, SHAPES[number % len(SHAPES)]) for number, genotype in enumerate(genotypes)]
    cases = cases[part - 1 :: parts]
    names = [f"{genotype.key}-{variates}x{steps}" for genotype, (variates, steps) in cases]
    metafunc.parametrize(("genotype", "shape"), cases, ids=names)


def windows(variates: int, steps: int, *, gaps: bool) -> Tensor:
    """Random walks, with missing values in the middle, a shorter series and a silent variate where asked."""
    x = torch.randn(BATCH, steps, variates, generator=torch.Generator().manual_seed(1)).cumsum(dim=1) / 4
    if gaps:
        x[0, steps // 3 : steps // 2] = torch.nan
        x[1, -steps // 4 :] = torch.nan
        x[2, :, 0] = torch.nan
    return x


def test_genotype_builds_trains_and_encodes(genotype: Genotype, shape: tuple[int, int]) -> None:
    variates, steps = shape
    torch.manual_seed(0)
    model = ContrastiveModel(genotype, variates=variates)
    optimizer = torch.optim.AdamW(model.parameters(), lr=genotype.train.learning_rate)
    generator = torch.Generator().manual_seed(2)
    for gaps in (False, True):
        loss = model.loss(windows(variates, steps, gaps=gaps), generator=generator)
        assert loss.isfinite(), f"loss with gaps={gaps}"
        if loss.requires_grad:
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        assert all(parameter.isfinite().all() for parameter in model.parameters()), f"weights, gaps={gaps}"
    encoder = model.encoder.eval()
    with torch.inference_mode():
        for gaps in (False, True):
            z = encoder.represent(windows(variates, steps, gaps=gaps))
            assert z.shape == (BATCH, encoder.streams, encoder.representation_features)
            assert z.isfinite().all(), f"representation with gaps={gaps}"


def test_every_option_of_the_full_space_is_drawn() -> None:
    drawn: set[tuple[str, str]] = set()
    for genotype in sample_candidates(1500, np.random.default_rng(1), full_space()):
        drawn |= {("augmentation", choice.name) for choice in (*genotype.aug1, *genotype.aug2)}
        drawn |= {("operator", name) for _, name in genotype.encoder.edges}
        drawn |= {("pair", kind) for kind in genotype.pair.kinds}
        drawn |= {("loss", genotype.loss.loss.name), ("similarity", genotype.loss.similarity)}
        drawn |= {("readout", genotype.encoder.readout), ("embedding_norm", genotype.embed.norm)}
        for kind in ("weighting", "auxiliary"):
            choice = getattr(genotype.loss, kind)
            drawn |= {(kind, choice.name)} if choice else set()
    registered = {(kind, name) for kind in registry.PROVIDERS for name in registry.options(kind)}
    assert registered <= drawn
