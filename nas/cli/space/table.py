"""The search space in words: its options, its size, or one preset as JSON."""

import json

from nas.cli.space.markdown import options_markdown
from nas.cli.text import Shown, values_text
from nas.options.space import SpaceOptions
from search_space import registry
from search_space.presets import preset
from search_space.space import default_space, full_space


def show_space(options: SpaceOptions) -> Shown:
    """Return the table that the options ask for.

    Raises:
        UnknownOptionError: If there is no such kind.
    """
    if options.markdown:
        return Shown(options_markdown())
    if options.preset is not None:
        return Shown(json.dumps(preset(options.preset, kind=options.task).to_dict(), indent=1))
    if options.kind is not None and options.kind not in registry.PROVIDERS:
        raise registry.UnknownOptionError(registry.unknown_name("kind", options.kind, tuple(registry.PROVIDERS)))
    kinds = tuple(registry.PROVIDERS) if options.kind is None else (options.kind,)
    parts = [_kind(kind) for kind in kinds]
    if options.kind is None:
        parts.append(size_table())
    return Shown("\n\n".join(parts))


def _kind(kind: str) -> str:
    known = registry.options(kind)
    width = max(map(len, known), default=0)
    lines = [f"{kind} ({len(known)})"]
    for name, option in known.items():
        choices = "; ".join(f"{parameter}: {values_text(values)}" for parameter, values in option.choices.items())
        lines.append(f"  {name:{width}}  {option.summary}{f'  [{choices}]' if choices else ''}")
    return "\n".join(lines)


def size_table() -> str:
    """Return how many genotypes both spaces hold, per cell and in total.

    Raw is what can be drawn; different is what has different keys, where both
    views count as one unordered pair.
    """
    columns = []
    for name, space in (("default", default_space()), ("full", full_space())):
        columns += [(f"{name}, raw", space.size()), (f"{name}, different", space.canonical_size())]
    # both views, which are one entry of the canonical sizes, stand after their cells
    rows = ["AugCell1", "AugCell2", "views", "EmbedCell", "PairCell", "LossCell", "EncoderCell", "TrainCell", "total"]
    width = max(len(name) for name, _ in columns)
    lines = ["  ".join([f"{'number of genotypes':19}", *(f"{name:>{width}}" for name, _ in columns)])]
    for row in rows:
        cells = (_count(sizes[row]) if row in sizes else "" for _, sizes in columns)
        lines.append("  ".join([f"  {row:17}", *(f"{cell:>{width}}" for cell in cells)]).rstrip())
    return "\n".join(lines)


def _count(number: int) -> str:
    return f"{number:,}" if number < 1_000_000 else f"{number:.2e}"
