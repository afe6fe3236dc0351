"""What a task must have before a genotype can be trained on it."""

from __future__ import annotations

from typing import Any

import pytest

from search_space import Genotype, GenotypeError, preset
from search_space.genotype.requirements import unmet


def genotype(**pair: bool) -> Genotype:
    data = preset("ts2vec").to_dict()
    data["PairCell"] = {"pool": "max", "kernel": 2, **pair}
    return Genotype.from_dict(data)


def test_a_common_task_meets_everything() -> None:
    assert unmet(preset("ts2vec"), windows=100, steps=50, variates=1) == ()


def test_of_the_pair_kinds_one_is_enough() -> None:
    both = genotype(instance=True, temporal=True)
    assert unmet(both, windows=1, steps=50, variates=1) == unmet(both, windows=10, steps=1, variates=1) == ()
    assert unmet(both, windows=1, steps=1, variates=1) == (
        "pair 'instance' needs instances >= 2, and there is 1",
        "pair 'temporal' needs time >= 2, and there is 1",
    )


def test_streams_of_one_window_are_instances_where_channels_are_independent() -> None:
    data: dict[str, Any] = genotype(instance=True).to_dict()
    assert len(unmet(Genotype.from_dict(data), windows=1, steps=50, variates=3)) == 1
    data["EncoderCell"]["channels"] = "independent"
    assert unmet(Genotype.from_dict(data), windows=1, steps=50, variates=3) == ()


def test_an_augmentation_that_needs_a_partner_says_so_once() -> None:
    data = genotype(temporal=True).to_dict()
    data["AugCell1"] = data["AugCell2"] = [["mixup", {"ratio": 0.2}]]
    (problem,) = unmet(Genotype.from_dict(data), windows=1, steps=50, variates=1)
    assert problem == "augmentation 'mixup' needs batch >= 2, and there is 1"


def test_a_window_of_its_own_needs_a_task_that_leaves_it_open() -> None:
    data = genotype(temporal=True).to_dict()
    data["EncoderCell"]["window"] = 192
    sizes = {"windows": 100, "steps": 1, "variates": 1}
    (problem,) = unmet(Genotype.from_dict(data), **sizes)
    assert problem == "EncoderCell.window must be one of 0 for this task, got 192"
    assert unmet(Genotype.from_dict(data), **sizes, lookbacks=(0, 192)) == ()  # its windows have time enough
    data["EncoderCell"]["window"] = 512
    (problem,) = unmet(Genotype.from_dict(data), **sizes, lookbacks=(0, 192))
    assert problem == "EncoderCell.window must be one of 0, 192 for this task, got 512"


def test_a_batch_of_one_window_is_refused_with_the_rule() -> None:
    data = genotype(instance=True).to_dict()
    data["TrainCell"]["batch_size"] = 1
    with pytest.raises(GenotypeError, match=r"TrainCell.batch_size: must be an integer in \[2, 1024\], got 1"):
        Genotype.from_dict(data)
