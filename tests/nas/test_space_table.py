"""The table of the search space agrees with the registry and with the genotypes."""

from __future__ import annotations

import json

import pytest

from nas.options import SpaceOptions
from nas.space_table import show_space
from search_space import registry
from search_space.genotype import Genotype
from search_space.presets import preset
from search_space.space import default_space


def test_the_table_names_every_option_once_with_its_choices() -> None:
    text = show_space(SpaceOptions()).text
    for kind in registry.PROVIDERS:
        known = registry.options(kind)
        block = text.split(f"{kind} ({len(known)})\n")[1].split("\n\n")[0].splitlines()
        assert [line.split()[0] for line in block] == sorted(known)
        assert all(f"{name}: " in line for line, o in zip(block, known.values(), strict=True) for name in o.choices)
    assert f"{default_space().canonical_size()['total']:.2e}" in text


def test_one_kind_alone() -> None:
    assert show_space(SpaceOptions(kind="loss")).text.startswith(f"loss ({len(registry.options('loss'))})\n")
    with pytest.raises(registry.UnknownOptionError, match=r"unknown kind 'losss'; did you mean 'loss'\?"):
        show_space(SpaceOptions(kind="losss"))


@pytest.mark.parametrize("task", ["forecasting", "classification"])
def test_a_printed_preset_is_that_genotype(task: str) -> None:
    printed = json.loads(show_space(SpaceOptions(preset="ts2vec", task=task)).text)
    assert Genotype.from_dict(printed) == preset("ts2vec", kind=task)
