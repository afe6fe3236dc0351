"""The parameters of the estimator as its users give them, and as the search takes them."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from nas.errors import OptionError
from nas.options.fields import Setting, settings_of
from nas.options.search import SearchOptions, SearchSettings
from nas.options.space import plain_space

_LENGTHS = ("window", "horizon", "horizons")


def plain_parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters in Python's own types, `random_state` as `rng_seed`; texts with a unit (`10m`) as numbers.

    Raises:
        OptionError: If one is of another type, or two contradict each other.
    """
    plain = dict(given)
    for name, setting in settings_of(SearchOptions).items():
        if name in plain and name not in _LENGTHS:
            plain[name] = _plain(plain[name], setting)
    plain["space"] = plain_space(plain["space"])
    if plain["horizon"] is not None and plain["horizons"] is not None:
        raise OptionError("horizon and horizons: both say how far to forecast; give one of them")
    for name in ("window", "horizon"):
        if plain[name] is not None:
            plain[name] = _whole_number(plain[name], name=name)
    if plain["horizons"] is not None:
        asked = np.atleast_1d(np.asarray(plain["horizons"], dtype=object)).tolist()
        plain["horizons"] = tuple(_whole_number(horizon, name="horizons") for horizon in asked)
    state = plain.pop("random_state")
    if state is not None:
        drawn = check_random_state(state).randint(2**31 - 1) if draws(state) else state
        plain["rng_seed"] = _whole_number(drawn, name="random_state")
    return plain


def search_settings(plain: Mapping[str, Any], folder: Path) -> SearchSettings:
    """Return what `plain_parameters` gave as settings of a search that writes to a folder.

    Raises:
        OptionError: If a value is outside its bounds or choices.
    """
    if plain["tensorboard"] and plain["output"] is None:
        raise OptionError("tensorboard: needs an output, the folder where its files stay")
    shared = {setting.name for setting in fields(SearchSettings)} & plain.keys()
    return SearchSettings(
        **{
            **{name: plain[name] for name in shared},
            "output": str(folder),
            "engine": plain["engine"] or ("serial" if plain["workers"] == 1 else "process"),
            "overwrite": plain["overwrite"] or plain["output"] is None,
        }
    )


def draws(state: Any) -> bool:
    """Whether a `random_state` is a generator."""
    return state is not None and not isinstance(state, int | np.integer)


def _plain(value: Any, setting: Setting) -> Any:
    if isinstance(value, str) and setting.unit is not None:
        try:
            return setting.read(value)
        except ValueError as error:
            raise OptionError(f"{setting.name}: {error}") from error
    return setting.plain((value,) if setting.many and isinstance(value, str) else value)


def _whole_number(value: Any, *, name: str) -> int:
    """Return a whole number of Python's own.

    Raises:
        OptionError: If it is none.
    """
    try:
        return operator.index(value)
    except TypeError:
        raise OptionError(f"{name}: must be a whole number, got {value!r}") from None
