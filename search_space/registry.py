"""The registry: every option of the search space registers itself here, once.

An option is one file with one decorated class. `PROVIDERS` maps each kind of
option to the package whose modules hold them; the first question about a kind
imports that package's modules, so adding an option means adding one file.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, TypeVar

from compute.user_error import USAGE, UserError
from search_space.sentences import nearest

PROVIDERS: Mapping[str, str] = MappingProxyType(
    {
        "augmentation": "contrastive.augmentations",
        "embedding_norm": "contrastive.embeddings",
        "pair": "contrastive.pairs",
        "similarity": "contrastive.similarities",
        "loss": "contrastive.losses",
        "weighting": "contrastive.weightings",
        "auxiliary": "contrastive.auxiliaries",
        "operator": "encoders.operators",
        "readout": "encoders.readouts",
    }
)

NONE = "none"
"""An optional gene that is off."""

_OPTIONS: dict[str, dict[str, Option]] = {kind: {} for kind in PROVIDERS}
_DISCOVERED: set[str] = set()
_Class = TypeVar("_Class", bound=type)


class UnknownOptionError(UserError, ValueError):
    """An option name that nothing has registered."""

    exit_status = USAGE
    trial_status = "invalid"


@dataclass(frozen=True)
class Option:
    """One registered choice and the facts about it that other parts may ask.

    Args:
        kind: A key of `PROVIDERS`.
        name: The name stored on disk; never renamed without a migration.
        choices: Parameter name -> values that the sampler draws from. Other
            values of the same sign are valid in a genotype.
        target: The class that implements the option.
        source: Paper and equation, or the public method it follows.
        causal: The output at step t uses steps <= t only.
        moves_time: The option changes where a step stands in time.
        needs: Least sizes at which it does its work, such as `{"batch": 2}`; keys
            `batch` (windows), `instances` (streams of all windows of a batch),
            `time` (steps), `variates`; see `requirements`.
        compares: Of a loss: it compares anchors with candidates by a similarity.
            One that does not has no similarity and no weighting of anchors.
        usual: Parameter -> value that it has where nothing is said of it; it is never written with that one, so that a
            parameter which an option gains later leaves known genotypes and their keys alone.
    """

    kind: str
    name: str
    target: type
    source: str
    choices: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    causal: bool = False
    moves_time: bool = False
    needs: Mapping[str, int] = field(default_factory=dict)
    compares: bool = True
    usual: Mapping[str, float] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """The first line of the implementing class's docstring."""
        return (self.target.__doc__ or "").strip().split("\n")[0]


def register(
    kind: str,
    name: str,
    *,
    source: str,
    choices: Mapping[str, tuple[float, ...]] | None = None,
    causal: bool = False,
    moves_time: bool = False,
    needs: Mapping[str, int] | None = None,
    compares: bool = True,
    usual: Mapping[str, float] | None = None,
) -> Callable[[_Class], _Class]:
    """Return a class decorator that adds the class to the registry.

    Raises:
        ValueError: If the kind is unknown or the name is taken by another class.
    """
    if kind not in PROVIDERS:
        raise ValueError(f"kind must be one of {sorted(PROVIDERS)}, got {kind!r}")

    def decorate(target: _Class) -> _Class:
        known = _OPTIONS[kind].get(name)
        if known is not None and known.target.__qualname__ != target.__qualname__:
            raise ValueError(f"{kind} {name!r} is registered already by {known.target.__qualname__}")
        _OPTIONS[kind][name] = Option(
            kind=kind,
            name=name,
            target=target,
            source=source,
            choices=MappingProxyType(dict(choices or {})),
            causal=causal,
            moves_time=moves_time,
            needs=MappingProxyType(dict(needs or {})),
            compares=compares,
            usual=MappingProxyType(dict(usual or {})),
        )
        return target

    return decorate


def options(kind: str) -> dict[str, Option]:
    """Return all options of a kind, sorted by name.

    Raises:
        ValueError: If the kind is unknown.
    """
    if kind not in PROVIDERS:
        raise ValueError(f"kind must be one of {sorted(PROVIDERS)}, got {kind!r}")
    if kind not in _DISCOVERED:
        package = importlib.import_module(PROVIDERS[kind])
        for module in pkgutil.iter_modules(package.__path__):
            if not module.name.startswith("_"):
                importlib.import_module(f"{package.__name__}.{module.name}")
        _DISCOVERED.add(kind)
    return dict(sorted(_OPTIONS[kind].items()))


def get(kind: str, name: str) -> Option:
    """Return one option.

    Raises:
        UnknownOptionError: If no such option is registered; names the nearest.
    """
    known = options(kind)
    if name not in known:
        raise UnknownOptionError(unknown_name(kind, name, tuple(known)))
    return known[name]


@cache
def losses_without_similarity() -> frozenset[str]:
    """Return the names of the losses that compare nothing by a similarity, `none` among them."""
    return frozenset({NONE, *(name for name, option in options("loss").items() if not option.compares)})


@cache
def usual_parameters(kind: str, name: str) -> Mapping[str, float]:
    """Return `Option.usual` of an option; an unknown one has nothing usual."""
    known = options(kind).get(name)
    return {} if known is None else known.usual


def build(kind: str, name: str, *args: Any, **parameters: Any) -> Any:
    """Construct the class behind an option."""
    return get(kind, name).target(*args, **parameters)


def unknown_name(what: str, name: object, known: tuple[str, ...]) -> str:
    """Return the sentence that says a name is unknown and which one is near."""
    return f"unknown {what} {name!r}{nearest(name, known, cutoff=0.6)}"
