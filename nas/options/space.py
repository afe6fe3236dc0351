"""The options of `tscnas space` and of the verbs below it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from compute.paths import user_path
from nas.errors import OptionError
from nas.options.fields import OptionSet, option
from nas.options.texts import OVERWRITE, RNG_SEED, SPACE, TASKS, TaskKind

if TYPE_CHECKING:
    from search_space.space import Space


@dataclass(frozen=True, kw_only=True)
class DrawingOptions(OptionSet):
    """Where candidates are drawn from, in the same words for every verb that draws any."""

    space: str | Mapping[str, Any] = option("default", text=SPACE, nested=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "space", plain_space(self.space))
        if self.space != "default":
            self.search_space  # noqa: B018 - read now, so that a mistake in it is the first thing said

    @property
    def space_name(self) -> str:
        """What a report calls the space: its name, or the path of its file."""
        return self.space if isinstance(self.space, str) else "given"

    @cached_property
    def search_space(self) -> Space:
        """The space itself, read once."""
        from nas.choosing.space_file import named_space

        return named_space(self.space)


@dataclass(frozen=True)
class SpaceOptions(OptionSet):
    """Show the search space: options and sizes; `space show` draws one genotype, `space sample` draws at random."""

    kind: str | None = option(None, text="show the options of this kind only, such as augmentation, loss or operator")
    preset: str | None = option(None, text="print this named genotype as JSON, to edit and pass to search --genotype")
    task: TaskKind = option("forecasting", text="the task that a preset is meant for", choices=TASKS)
    print: str | None = option(
        None, text="print this space, default, full or a file, as YAML: to edit and pass to search --space"
    )
    output: str | None = option(
        None, path=True, text="file for what --print prints, .yaml or .json; by default the screen"
    )
    overwrite: bool = option(False, text=OVERWRITE)
    markdown: bool = option(False, text="print every option and preset with its source as Markdown: docs/options.md")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_preset(self.preset)
        if self.output is not None and self.print is None:
            raise OptionError("output: is for what --print prints, and there is no --print")
        if self.output is not None and not self.output.endswith((".yaml", ".yml", ".json")):
            raise OptionError(f"output: must end in .yaml or .json, got {self.output!r}")


@dataclass(frozen=True)
class ShowOptions(OptionSet):
    """Show one genotype in words and draw its graph."""

    genotype: str = option(
        path=True, positional=True, text="a preset's name, a JSON file, or the output folder of a search"
    )
    task: TaskKind | None = option(
        None, text="the task that a preset is meant for; by default its own form", choices=TASKS
    )
    output: str | None = option(None, path=True, text="picture to write, .svg or .png; by default none")
    overwrite: bool = option(False, text=OVERWRITE)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.output is not None and not self.output.endswith((".svg", ".png")):
            raise OptionError(f"output: must end in .svg or .png, got {self.output!r}")


@dataclass(frozen=True)
class SampleOptions(DrawingOptions):
    """Draw genotypes at random and print them, one line of JSON each."""

    number: int = option(1, text="how many, all different", short="n", least=1)
    rng_seed: int = option(0, text=RNG_SEED, least=0)


def plain_space(space: Any) -> Any:
    """Return a space as settings hold it: a name or path as text, anything else as its choices.

    Raises:
        OptionError: If it is neither a name, a path, a mapping nor a `Space`.
        SpaceError: If a mapping is no search space.
    """
    if isinstance(space, str):
        return space
    if isinstance(space, os.PathLike):
        return str(user_path(space))
    from nas.choosing.space_file import named_space

    return named_space(space).to_dict()


def check_preset(name: str | None) -> None:
    """Check that a preset has this name.

    Raises:
        OptionError: If none has; suggests the nearest.
    """
    if name is None:
        return
    # only here, so that the help of a command does not wait for it
    from search_space.presets import NAMED
    from search_space.registry import unknown_name

    if name not in NAMED:
        raise OptionError(unknown_name("preset", name, tuple(NAMED)))
