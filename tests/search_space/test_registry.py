"""The registry: one name per option, found by asking, with the nearest name in every error."""

from __future__ import annotations

import pytest

from search_space import registry


class Impostor:
    """Wants the name of another option."""


def test_options_are_sorted_and_carry_their_own_name() -> None:
    for kind in registry.PROVIDERS:
        known = registry.options(kind)
        assert list(known) == sorted(known)
        assert all((option.kind, option.name) == (kind, name) for name, option in known.items())


def test_registering_twice_under_one_name_is_refused() -> None:
    name = next(iter(registry.options("similarity")))
    with pytest.raises(ValueError, match=f"similarity '{name}' is registered already"):
        registry.register("similarity", name, source="test")(Impostor)
    assert registry.get("similarity", name).target is not Impostor


@pytest.mark.parametrize(
    "call", [lambda: registry.register("operatr", "x", source="test"), lambda: registry.options("operatr")]
)
def test_unknown_kind(call: object) -> None:
    with pytest.raises(ValueError, match=r"kind must be one of .*'operator'.*, got 'operatr'"):
        call()  # type: ignore[operator]


def test_unknown_option_names_the_nearest() -> None:
    with pytest.raises(registry.UnknownOptionError, match="unknown operator 'idenity'; did you mean 'identity'"):
        registry.get("operator", "idenity")


def test_build_hands_on_the_parameters() -> None:
    assert registry.build("augmentation", "jitter", sigma=0.25).sigma == 0.25
