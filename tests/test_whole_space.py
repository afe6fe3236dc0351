"""Random genotypes of the full space at many shapes: each builds, trains one step, stays finite, encodes gaps.

The suite takes a few genotypes; `pytest tests/test_whole_space.py --genotypes 2000 --every-shape` takes as many as you
like at all shapes, hours of work: `--part 1/2` is every second genotype, so that two cores can share it, and what
passed is noted in the file of `--passed`, so that the same command goes on from there.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from encoders.encoder import Encoder
from nas.training.model import ContrastiveModel
from search_space import Genotype, full_space, registry, sample_candidates
from search_space.space import SPACES

VARIATES = (1, 3, 12)
LENGTHS = (24, 96, 333)
SHAPES = list(itertools.product(VARIATES, LENGTHS))
BATCH = 3


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Spread the genotypes over the shapes: each shape sees every genotype when asked for all of them."""
    if "genotype" not in metafunc.fixturenames:
        return
    option = metafunc.config.getoption
    part, parts = (int(number) for number in option("--part").split("/"))
    space = SPACES[option("--space")]()
    genotypes = list(enumerate(sample_candidates(option("--genotypes"), np.random.default_rng(0), space)))
    passed = set(_lines(option("--passed")))
    cases = {}
    for number, genotype in genotypes[part - 1 :: parts]:
        for shape in SHAPES if option("--every-shape") else [SHAPES[number % len(SHAPES)]]:
            name = f"{genotype.key}-{shape[0]}x{shape[1]}"
            if name not in passed:
                cases[name] = (genotype, shape)
    metafunc.parametrize(("genotype", "shape"), cases.values(), ids=cases.keys())


def _lines(path: Path | None) -> list[str]:
    return path.read_text(encoding="utf-8").split() if path is not None and path.exists() else []


def windows(variates: int, steps: int) -> tuple[Tensor, Tensor]:
    """Return random walks, and the same with missing values in the middle, a shorter series and a silent variate."""
    x = torch.randn(BATCH, steps, variates, generator=torch.Generator().manual_seed(1)).cumsum(dim=1) / 4
    gaps = x.clone()
    gaps[0, steps // 3 : steps // 2] = torch.nan
    gaps[1, -steps // 4 :] = torch.nan
    gaps[2, :, 0] = torch.nan
    return x, gaps


def test_genotype_builds_trains_and_encodes(
    genotype: Genotype, shape: tuple[int, int], request: pytest.FixtureRequest
) -> None:
    variates, steps = shape
    torch.manual_seed(0)
    model = ContrastiveModel(genotype, variates=variates)
    model.fit(windows(variates, steps)[1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=genotype.train.learning_rate)
    whole, gaps = windows(variates, steps)
    loss = model.loss(torch.cat((whole[:1], gaps)), generator=torch.Generator().manual_seed(2))
    assert loss.isfinite()
    if loss.requires_grad:
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert all(parameter.isfinite().all() for parameter in model.parameters())
    encoder = model.encoder.eval()
    with torch.inference_mode():
        for x in (whole, gaps):
            z = encoder.represent(x)
            assert z.shape == (BATCH, encoder.streams, encoder.representation_features)
            assert z.isfinite().all(), f"representation of {'gaps' if x is gaps else 'whole windows'}"
            again = Encoder(genotype.encoder, variates=variates)
            again.load_state_dict(encoder.state_dict())
            assert torch.equal(again.eval().represent(x), z), "saved and loaded"
    if (passed := request.config.getoption("--passed")) is not None:
        with passed.open("a", encoding="utf-8") as file:
            file.write(f"{genotype.key}-{variates}x{steps}\n")


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
