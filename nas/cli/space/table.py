"""The search space in words: its options, its size; or one preset or one space as a file to edit."""

import json
import shlex
from pathlib import Path

from nas.choosing.space_file import named_space, space_text
from nas.cli.space.markdown import options_markdown
from nas.cli.text import Shown, values_text
from nas.errors import OutputExistsError
from nas.options.space import SpaceOptions
from nas.runs.whole_file import write_whole
from search_space import registry
from search_space.genotype import CELLS
from search_space.presets import preset
from search_space.sentences import count_text
from search_space.space import Space, default_space, full_space


def show_space(options: SpaceOptions) -> Shown:
    """Return the table that the options ask for.

    Raises:
        UnknownOptionError: If there is no such kind.
        OptionError: If there is no such space; SpaceError: if a file holds none.
        OutputExistsError: If the file to write exists.
    """
    if options.markdown:
        return Shown(options_markdown())
    if options.print is not None:
        return _printed(options.print, options.output, overwrite=options.overwrite)
    if options.preset is not None:
        return Shown(json.dumps(preset(options.preset, kind=options.task).to_dict(), indent=1))
    if options.kind is not None and options.kind not in registry.PROVIDERS:
        raise registry.UnknownOptionError(registry.unknown_name("kind", options.kind, tuple(registry.PROVIDERS)))
    kinds = tuple(registry.PROVIDERS) if options.kind is None else (options.kind,)
    parts = [_kind(kind) for kind in kinds]
    if options.kind is None:
        parts.append(size_table())
    return Shown("\n\n".join(parts))


def _printed(name: str, output: str | None, *, overwrite: bool) -> Shown:
    space = named_space(name)
    if output is None:
        return Shown(space_text(space).rstrip("\n"))
    path = Path(output)
    if path.exists() and not overwrite:
        raise OutputExistsError(f"{path} exists; --overwrite replaces it")
    write_whole(path, space_text(space, as_json=path.suffix == ".json").encode())
    size = count_text(space.canonical_size()["total"])
    return Shown(f"{size} different genotypes: tscnas search --space {shlex.quote(str(path))}")


def _kind(kind: str) -> str:
    known = registry.options(kind)
    width = max(map(len, known), default=0)
    lines = [f"{kind} ({len(known)})"]
    for name, option in known.items():
        choices = "; ".join(f"{parameter}: {values_text(values)}" for parameter, values in option.choices.items())
        lines.append(f"  {name:{width}}  {option.summary}{f'  [{choices}]' if choices else ''}")
    return "\n".join(lines)


def size_table() -> str:
    """Return how many genotypes the default space, its regions and the full space hold, per cell and in total.

    Raw is what can be drawn; different is what has different keys, where both
    views count as one unordered pair.
    """
    default = default_space()
    regions = {name: region.space for name, region in default.regions.items()}
    spaces: dict[str, Space] = {"default": default, **regions, "full": full_space()}
    # both views, which are one entry of the canonical sizes, stand after their cells
    columns = [*CELLS[:2], "views", *CELLS[2:], "total"]
    lines = ["  ".join([f"{'number of genotypes':22}", *(f"{column:>11}" for column in columns)])]
    for name, space in spaces.items():
        for what, sizes in (("raw", space.size()), ("different", space.canonical_size())):
            cells = (count_text(sizes[column]) if column in sizes else "" for column in columns)
            lines.append("  ".join([f"  {f'{name}, {what}':20}", *(f"{cell:>11}" for cell in cells)]).rstrip())
    return "\n".join(lines)
