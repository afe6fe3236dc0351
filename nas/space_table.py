"""The search space in words: its size, its options, or one preset as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass

from nas.options import SpaceOptions
from search_space import registry
from search_space.presets import preset
from search_space.space import default_space, full_space


@dataclass(frozen=True)
class SpaceText:
    """What `show_space` found; `text` is printed."""

    text: str


def show_space(options: SpaceOptions) -> SpaceText:
    """Return the table that the options ask for.

    Raises:
        UnknownOptionError: If there is no such kind.
    """
    if options.preset is not None:
        return SpaceText(json.dumps(preset(options.preset, kind=options.task).to_dict(), indent=1))
    if options.kind is not None and options.kind not in registry.PROVIDERS:
        raise registry.UnknownOptionError(registry.unknown_name("kind", options.kind, tuple(registry.PROVIDERS)))
    kinds = tuple(registry.PROVIDERS) if options.kind is None else (options.kind,)
    parts = [_kind(kind) for kind in kinds]
    if options.kind is None:
        parts.append(_sizes())
    return SpaceText("\n\n".join(parts))


def _kind(kind: str) -> str:
    known = registry.options(kind)
    width = max(map(len, known), default=0)
    lines = [f"{kind} ({len(known)})"]
    for name, option in known.items():
        choices = "; ".join(f"{parameter}: {_values(values)}" for parameter, values in option.choices.items())
        lines.append(f"  {name:{width}}  {option.summary}{f'  [{choices}]' if choices else ''}")
    return "\n".join(lines)


def _values(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:g}" for value in values)


def _sizes() -> str:
    lines = ["different genotypes"]
    for name, space in (("default space", default_space()), ("full space", full_space())):
        lines.append(f"  {name:13}  {space.canonical_size()['total']:.2e}")
    return "\n".join(lines)
