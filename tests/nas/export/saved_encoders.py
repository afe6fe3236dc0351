"""Small saved encoders of presets, untrained, for tests of what is exported."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from downstream.scaling import Scaler
from downstream.task import Identity
from encoders.combined import combined
from encoders.encoder import Encoder
from nas.cost.members import Member
from nas.saved.encoder import SavedEncoder
from search_space.genotype import Genotype
from search_space.presets import preset

VARIATES = ("load", "wind")
WINDOW = 18


def small(name: str, **changes: object) -> Genotype:
    """Return a preset with a narrow encoder of one block."""
    genotype = preset(name)
    cell = genotype.encoder
    width = {"hidden": 16, "output": 16 if cell.output else 0, "blocks": 1, "taps": 1}
    embedding = {"embedding": 6} if cell.embedding else {}
    return replace(genotype, encoder=replace(cell, **{**width, **embedding, **changes}))  # type: ignore[arg-type]


def saved(*genotypes: Genotype, series: tuple[str, ...] = ()) -> SavedEncoder:
    """Return an encoder of the genotypes, fitted to noise, with one scale or one for each series."""
    generator = torch.Generator().manual_seed(1)
    encoders = []
    for genotype in genotypes:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            encoder = Encoder(genotype.encoder, variates=len(VARIATES))
        encoder.fit(torch.randn(8, WINDOW, len(VARIATES), generator=generator))
        encoders.append(encoder.eval())
    scales = np.arange(1.0, 1.0 + max(1, len(series)))[:, None]
    members = tuple(Member(genotype, 1.0 / len(genotypes), 0) for genotype in genotypes)
    return SavedEncoder(
        encoder=combined(encoders),
        genotype=genotypes[0],
        variates=VARIATES,
        window=WINDOW,
        kind="classification",
        task_name="noise",
        scaler=Scaler(np.array([[100.0, -3.0]]) * scales, np.array([[20.0, 0.5]]) * scales, n_rows_seen=144),
        rng_seed=0,
        identity=Identity(columns=VARIATES, series=series),
        members=members if len(members) > 1 else (),
    )
