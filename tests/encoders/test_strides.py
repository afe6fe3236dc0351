"""Steps that no readout looks at are not computed, and what is computed stays the same."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from encoders.encoder import Encoder
from encoders.operators._operator import Operator
from encoders.strides import thin
from search_space import full_space, registry, sample_candidates
from search_space.presets import preset

OPERATORS = full_space()["EncoderCell"]["operators"]


def test_thin_keeps_steps_counted_back_from_the_last() -> None:
    x = torch.arange(10.0).view(1, 1, 10, 1)
    assert thin(x, have=1, want=4).flatten().tolist() == [1.0, 5.0, 9.0]
    assert thin(thin(x, have=1, want=2), have=2, want=4).flatten().tolist() == [1.0, 5.0, 9.0]
    assert thin(x, have=1, want=0).flatten().tolist() == [9.0]
    assert thin(x, have=1, want=1) is x


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("steps", [1, 7, 24, 65])
@pytest.mark.parametrize(("depth", "want"), [(0, 0), (0, 4), (2, 0), (2, 2), (2, 8), (6, 0), (6, 16)])
def test_an_operator_gives_the_same_at_the_steps_wanted(name: str, steps: int, depth: int, want: int) -> None:
    torch.manual_seed(0)
    operator = registry.build("operator", name, 8, depth=depth, dropout=0.0).eval()
    assert isinstance(operator, Operator)
    x = torch.randn(3, 2, steps, 8)
    needed = math.gcd(want, operator.grid)
    with torch.no_grad():
        whole = thin(operator(x), have=1, want=want)
        some = thin(x, have=1, want=needed)
        part = (
            operator(some, have=needed, want=want)
            if operator.takes_strides
            else thin(operator(some), have=needed, want=want)
        )
    torch.testing.assert_close(part, whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("steps", [1, 30, 201])
def test_a_last_readout_equals_the_last_step_of_everything(steps: int) -> None:
    space = full_space().restrict({"EncoderCell": {"readout": "last", "embedding": 0}})
    for genotype in sample_candidates(20, np.random.default_rng(0), space):
        torch.manual_seed(0)
        encoder = Encoder(genotype.encoder, variates=3).eval()
        x = torch.randn(2, steps, 3)
        with torch.no_grad():
            last = encoder.represent(x)[..., : encoder.features]
            torch.testing.assert_close(last, encoder(x)[:, :, -1], rtol=1e-4, atol=1e-5)


def test_the_ts2vec_encoder_computes_a_fraction_of_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = Encoder(preset("ts2vec", kind="forecasting").encoder, variates=2).eval()
    computed = []
    plain = torch.nn.functional.conv2d

    def watched(*args: object, **kwargs: object) -> torch.Tensor:
        result: torch.Tensor = plain(*args, **kwargs)  # type: ignore[arg-type]
        computed.append(result.shape[3])
        return result

    monkeypatch.setattr(torch.nn.functional, "conv2d", watched)
    with torch.no_grad():
        encoder.represent(torch.randn(1, 201, 2))
    assert len(computed) == 20 and computed[-1] == 1
    assert sum(computed) < 20 * 201 / 5  # twice 201 + 101 + 51 + ... instead of twenty times 201
