"""What stands beside a loss or in its place: what is refused, and what is not written."""

from __future__ import annotations

from typing import Any

import pytest

from search_space import Genotype, GenotypeError
from search_space.genotype.requirements import unmet
from search_space.presets import preset


@pytest.mark.parametrize(
    ("auxiliary", "message"),
    [
        ("none", "got 'none'"),
        (["vae", {"weight": 0.5, "own_steps": 1.0}], "got "),
    ],
)
def test_a_loss_of_none_has_an_auxiliary_loss_in_its_place(auxiliary: Any, message: str) -> None:
    data = preset("ts2vec").to_dict()
    data["LossCell"] = {"loss": "none", "similarity": "none", "auxiliary": auxiliary}
    rule = r"^LossCell.auxiliary: where the loss is 'none', must be an auxiliary loss with own_steps 0 .*, "
    with pytest.raises(GenotypeError, match=rule + message):
        Genotype.from_dict(data)
    data["LossCell"]["auxiliary"] = ["vae", {"weight": 0.5}]
    alone = Genotype.from_dict(data)
    assert "no contrast, vae(weight=0.5) alone" in alone.describe()
    assert unmet(alone, windows=1, steps=1, variates=1) == ()


def test_parameters_as_usual_are_not_written() -> None:
    said, unsaid = ({"weight": 0.5, "kl": 0.1, "own_steps": 0}, {"weight": 0.5})
    plain = preset("patchtst").to_dict()
    genotypes = [
        Genotype.from_dict({**plain, "LossCell": {**plain["LossCell"], "auxiliary": ["vae", parameters]}})
        for parameters in (said, unsaid, {**unsaid, "kl": 0.0})
    ]
    assert genotypes[0] == genotypes[1] and genotypes[0].key == genotypes[1].key != genotypes[2].key
    assert genotypes[0].to_dict()["LossCell"]["auxiliary"] == ["vae", unsaid]
