"""The table of the search space agrees with the registry and with the genotypes."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from nas.choosing.space_file import named_space
from nas.cli.space.markdown import options_markdown
from nas.cli.space.table import show_space, size_table
from nas.errors import OptionError, OutputExistsError
from nas.options.space import SpaceOptions
from search_space import registry
from search_space.genotype import Genotype
from search_space.presets import NAMED, preset
from search_space.space import default_space, full_space


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


def test_a_printed_space_is_read_again(tmp_path: Path) -> None:
    for name, space in (("default", default_space()), ("full", full_space())):
        (tmp_path / "printed.yaml").write_text(show_space(SpaceOptions(print=name)).text)
        assert named_space(tmp_path / "printed.yaml") == space
        for ending in ("yaml", "json"):
            file = str(tmp_path / f"{name}.{ending}")
            assert show_space(SpaceOptions(print=name, output=file)).text.endswith(f"tscnas search --space {file}")
            assert named_space(file) == space
            assert show_space(SpaceOptions(print=file)).text == show_space(SpaceOptions(print=name)).text
            with pytest.raises(OutputExistsError, match="exists; --overwrite replaces it"):
                show_space(SpaceOptions(print=name, output=file))
            show_space(SpaceOptions(print=name, output=file, overwrite=True))


def test_a_file_of_a_space_needs_a_space_and_an_ending() -> None:
    with pytest.raises(OptionError, match="output: is for what --print prints, and there is no --print"):
        SpaceOptions(output="s.yaml")
    with pytest.raises(OptionError, match=r"output: must end in \.yaml or \.json, got 's\.txt'"):
        SpaceOptions(print="full", output="s.txt")
    with pytest.raises(OptionError, match="unknown space 'defalt'; did you mean 'default'"):
        show_space(SpaceOptions(print="defalt"))


def test_sizes_per_cell_are_those_of_both_spaces_and_of_the_regions() -> None:
    header, *rows = size_table().splitlines()
    assert header.split("  ")[0] == "number of genotypes"
    default = default_space()
    spaces = {"default": default, **{name: default[name] for name in default.regions}, "full": full_space()}
    columns = header.split()[3:]
    for row, (name, what) in zip(rows, itertools.product(spaces, ("raw", "different")), strict=True):
        sizes = spaces[name].size() if what == "raw" else spaces[name].canonical_size()
        known = [sizes[column] for column in columns if column in sizes]
        assert len(known) == len(sizes)
        assert row.split() == [f"{name},", what, *(f"{n:,}" if n < 1_000_000 else f"{n:.2e}" for n in known)]


def test_the_page_of_options_is_current() -> None:
    page = Path(__file__).parents[4] / "docs" / "options.md"
    assert page.read_text(encoding="utf-8") == options_markdown() + "\n", "run `make docs`"


def test_the_page_names_every_option_and_preset_with_its_source() -> None:
    lines = options_markdown().splitlines()
    options = [option for kind in registry.PROVIDERS for option in registry.options(kind).values()]
    sources = [(option.name, option.source) for option in options]
    sources += [(name, one.source) for name, one in NAMED.items()]
    for name, source in sources:
        cell = " ".join(source.split()).replace("|", "\\|")
        (line,) = [line for line in lines if line.startswith(f"| `{name}` |") and f"| {cell} |" in line]
        assert line.replace("\\|", "").count("|") in (4, 6)
    assert sum("causal" in line.split("|")[4] for line in lines if line.count("|") == 6) == sum(
        option.causal for option in options
    )
    assert not [line for line in lines if line.startswith("|") and "needs variates" in line and ">=" not in line]
