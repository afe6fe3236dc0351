"""The presets that searches try, and those that only have a name."""

from __future__ import annotations

import pytest

from ahc.landmarks import probes
from downstream.kinds import KINDS
from nas.choosing.portfolio import SUREST, portfolio, preset_name, surest
from search_space.presets import PRESETS, preset


@pytest.mark.parametrize("kind", KINDS)
def test_searches_try_the_surest_first_and_no_preset_that_is_not_for_them(kind: str) -> None:
    tried = portfolio(kind)
    assert tried[: len(SUREST[kind])] == surest(kind)
    beginning = {genotype.key for genotype in [*surest(kind), *probes(kind)]}
    assert {genotype.key for genotype in tried[: len(beginning)]} == beginning
    assert len({genotype.key for genotype in tried}) == len(tried)
    assert {genotype.key for genotype in tried} == {preset(name, kind=kind).key for name in PRESETS}


def test_a_preset_that_searches_do_not_try_has_its_name_all_the_same() -> None:
    pretext = preset("patchtst_pretext", kind="forecasting")
    assert pretext not in portfolio("forecasting") and preset_name(pretext, kind="forecasting") == "patchtst_pretext"
