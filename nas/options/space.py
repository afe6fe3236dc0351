"""The options of `tscnas space` and of the verbs below it."""

from dataclasses import dataclass

from nas.errors import OptionError
from nas.options.fields import OptionSet, option
from nas.options.texts import OVERWRITE, RNG_SEED, TASKS, TaskKind


@dataclass(frozen=True)
class SpaceOptions(OptionSet):
    """Show the search space: options and sizes; `space show` draws one genotype, `space sample` draws at random."""

    kind: str | None = option(None, text="show the options of this kind only, such as augmentation, loss or operator")
    preset: str | None = option(None, text="print this named genotype as JSON, to edit and pass to search --genotype")
    task: TaskKind = option("forecasting", text="the task that a preset is meant for", choices=TASKS)
    markdown: bool = option(False, text="print every option and preset with its source as Markdown: docs/options.md")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_preset(self.preset)


@dataclass(frozen=True)
class ShowOptions(OptionSet):
    """Show one genotype in words and draw its graph."""

    genotype: str = option(
        path=True, positional=True, text="a preset's name, a JSON file, or the output folder of a search"
    )
    task: TaskKind | None = option(
        None, text="the task that a preset is meant for; by default its own form", choices=TASKS
    )
    output: str | None = option(
        None, path=True, text="picture to write, .svg or .png (needs matplotlib); by default none"
    )
    overwrite: bool = option(False, text=OVERWRITE)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.output is not None and not self.output.endswith((".svg", ".png")):
            raise OptionError(f"output: must end in .svg or .png, got {self.output!r}")


@dataclass(frozen=True)
class SampleOptions(OptionSet):
    """Draw genotypes at random and print them, one line of JSON each."""

    number: int = option(1, text="how many, all different", short="n", least=1)
    space: str = option(
        "default", text="where from: what the comparator covers, or everything", choices=("default", "full")
    )
    rng_seed: int = option(0, text=RNG_SEED, least=0)


def check_preset(name: str | None) -> None:
    """Check that a preset has this name.

    Raises:
        OptionError: If none has; suggests the nearest.
    """
    if name is None:
        return
    # only here, so that the help of a command does not wait for it
    from search_space.presets import PRESETS
    from search_space.registry import unknown_name

    if name not in PRESETS:
        raise OptionError(unknown_name("preset", name, tuple(PRESETS)))
