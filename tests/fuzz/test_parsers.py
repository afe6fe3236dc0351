"""The parsers under fire: genotypes, spaces, config files, manifests and words of the command line."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from downstream.errors import DataError
from nas.choosing.genotype_file import named_genotype
from nas.choosing.space_file import named_space, space_text
from nas.cli.arguments import collect, read_config
from nas.cli.commands import COMMANDS
from nas.cli.program import _parse
from nas.errors import OptionError
from nas.seeding.manifest import read_manifest
from search_space import default_space, full_space, sample_candidates
from search_space.genotype import Genotype, GenotypeError
from search_space.space import Regions, SearchSpace, SpaceError, read_space

VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.sampled_from((10**400, -(10**400), 2**63, 0.0, -0.0, 1e308, "nt_xent", "none", "__class__", "\n", "\x1b")),
        st.floats(),
        st.text(max_size=8),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)),
    max_leaves=12,
)
CONFIGS = (
    "data: d.csv\ntop-k: 3\nhorizons: [24, 48]\ntime-budget: 10m\ntask: forecasting\nrng_seed: 3\nquiet: true\n",
    "manifest: tasks.yaml\ndata: d\nbank: b.sqlite\ngenotypes: 9\nrepeats: 0.2\n",
    '{"encoder": "runs/x", "data": "new.csv", "output": "z.npz", "level": "step", "variates": ["a", "b"]}\n',
)
MANIFEST = (
    "tasks:\n- {name: a, family: f, kind: forecasting, path: a.csv, window: 8, horizons: [2], rows: [0, 80]}\n"
    "- {name: b, family: g, kind: classification, path: b_TRAIN.ts, max_cases: 4}\n"
)
YAML_ODD = (
    *("&a [*a]", "*a", "&a b", "!!python/object/apply:os.system ['touch trapped']", "!!int x", "!!timestamp x"),
    *("2001-99-99", "0x" + "f" * 9000, "1" * 5000, "12:30:61", "!!binary x", "<<: {a: 1}", "? [a]", "{" * 5000),
    *("!!set {a}", "[" * 5000, "- " * 3000, ".inf", ".nan", "~", "|\n  x", "%YAML 9.9", "---", "...", "\t", "#"),
    *("\u0085", "'", "yes", "1e999"),
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value inside a JSON value."""
    found = [path]
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        found += places(one, (*path, key))
    return found


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


def genotypes() -> list[dict[str, Any]]:
    return [one.to_dict() for one in sample_candidates(6, np.random.default_rng(0), full_space())]


def notes() -> dict[str, Any]:
    chain = {"enabled_ops": ["jittering"], "params": {"jittering": 0.1}}
    return {
        "AugCell1": chain,
        "AugCell2": chain,
        "EmbedCell": {"embedding_masking": 0.1},
        "PairCell": {"temporal": True, "kernel": 2},
        "LossCell": {"loss": "InfoNCE", "sim": "dot", "temperature": 0.1},
        "EncoderCell": [[0, 1], [1, 2], [0, 3]],
    }


def with_one_replaced(wholes: list[Any]) -> st.SearchStrategy[Any]:
    def strategy(whole: Any) -> st.SearchStrategy[Any]:
        return st.tuples(st.sampled_from(places(whole)), VALUES).map(lambda made: replaced(whole, made[0], made[1]))

    return st.sampled_from(wholes).flatmap(strategy)


def test_drawn_genotypes(hostile: Callable[..., None], fuzz: SimpleNamespace) -> None:
    def use(content: Any) -> None:
        genotype = Genotype.from_dict(content)
        assert Genotype.from_dict(json.loads(json.dumps(genotype.to_dict()))).key == genotype.key
        genotype.describe()

    feed = fuzz.drawn(with_one_replaced([*genotypes(), notes()]))
    hostile(feed, use, share=0.06, allowed=(GenotypeError,))


def test_genotype_files(hostile: Callable[..., None], fuzz: SimpleNamespace) -> None:
    texts = tuple(json.dumps(one, indent=at % 2 or None).encode() for at, one in enumerate([*genotypes(), notes()]))
    bombs = (b"[" * 200_000, b'{"a":' * 5000, b"[" * 900 + b"]" * 900, b'{"schema": ' + b"9" * 4400 + b"}")
    bombs += (b'{"schema": 1' + b"".join(b', "x%d": 0' % at for at in range(50_000)) + b"}",)
    edges = json.dumps(
        {**genotypes()[0], "EncoderCell": {**genotypes()[0]["EncoderCell"], "edges": [[0, "x"]] * 50_000}}
    )

    def make(rng: random.Random) -> bytes:
        if rng.random() < 0.02:
            return rng.choice((*bombs, edges.encode()))
        return bytes(fuzz.bytes_of(rng, rng.choice(texts), texts))

    def use(content: bytes) -> None:
        Path("given/genotype.json").write_bytes(content)
        named_genotype("given/genotype.json" if len(content) % 2 else "given", kind=None)

    hostile(fuzz.seeded("genotype", make), use, share=0.08, allowed=(GenotypeError, OptionError))


def test_drawn_spaces(hostile: Callable[..., None], fuzz: SimpleNamespace) -> None:
    feed = fuzz.drawn(with_one_replaced([default_space()["graphs"].to_dict()]))
    hostile(feed, SearchSpace.from_dict, share=0.02, allowed=(SpaceError,))


def test_drawn_regions(hostile: Callable[..., None], fuzz: SimpleNamespace) -> None:
    feed = fuzz.drawn(with_one_replaced([few_regions()]))
    hostile(feed, Regions.from_dict, share=0.02, allowed=(SpaceError,))


def few_regions() -> dict[str, Any]:
    operators = ["dilated_conv", "kernel_bank"]
    written: dict[str, Any] = default_space().restrict({"EncoderCell.operators": operators}).to_dict()
    return written


def notes_space() -> dict[str, Any]:
    return {
        "AugCell": {"enabled_ops": ["jitter", "crop"], "discrete_values": [0, 0.1], "order_values": [1, 2]},
        "EmbedCell": {"jitter_values": [0], "mask_values": [0.1], "norm_options": ["layernorm"]},
        "PairCell": {"temporal": [True, False], "pool_type": ["avg"], "kernel_range": [3]},
        "LossCell": {"loss_options": ["NTXent"], "sim_options": ["dot"], "temperature": [0, 0.1]},
    }


def test_drawn_spaces_in_memory(hostile: Callable[..., None], fuzz: SimpleNamespace) -> None:
    def use(content: Any) -> None:
        space = read_space(content)
        assert read_space(json.loads(json.dumps(space.to_dict()))) == space

    feed = fuzz.drawn(with_one_replaced([default_space()["graphs"].to_dict(), few_regions(), notes_space()]))
    hostile(feed, use, share=0.03, allowed=(SpaceError,))


def test_space_files(hostile: Callable[..., None], fuzz: SimpleNamespace) -> None:
    texts = (space_text(default_space()), space_text(default_space(), as_json=True), json.dumps(notes_space()))

    def use(content: bytes) -> None:
        name = "given/space.json" if len(content) % 2 else "given/space.yaml"
        Path(name).write_bytes(content)
        named_space(name)

    feed = fuzz.seeded("space", lambda rng: yaml_text(rng, texts, fuzz))
    hostile(feed, use, share=0.03, allowed=(SpaceError, OptionError))


def yaml_text(rng: random.Random, texts: tuple[str, ...], fuzz: SimpleNamespace) -> bytes:
    text = rng.choice(texts)
    if rng.random() < 0.02:
        bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
            for before, name in zip("abcdefgh", "bcdefghi", strict=True)
        )
        return (bomb + text).encode()
    if rng.random() < 0.5:
        at = rng.choice([place for place, sign in enumerate(text) if sign in " \n"])
        text = text[: at + 1] + rng.choice(YAML_ODD) + rng.choice(("", "\n")) + text[at + 1 :]
        return text.encode()
    return bytes(fuzz.bytes_of(rng, text.encode()))


def test_config_files(hostile: Callable[..., None], fuzz: SimpleNamespace) -> None:
    def use(content: bytes) -> None:
        Path("given/options.yaml").write_bytes(content)
        command = COMMANDS[len(content) % len(COMMANDS)]
        read_config("given/options.yaml", command.options)
        collect(_parse([*command.name.split(), "--config", "given/options.yaml"]), command.options)

    feed = fuzz.seeded("config", lambda rng: yaml_text(rng, CONFIGS, fuzz))
    hostile(feed, use, share=0.07, allowed=(OptionError,))


def test_manifests(hostile: Callable[..., None], fuzz: SimpleNamespace) -> None:
    def use(content: bytes) -> None:
        Path("given/tasks.yaml").write_bytes(content)
        Path("given/a.csv").write_text("step,a\n" + "".join(f"{at},{at * 7 % 5}\n" for at in range(90)))
        for entry in read_manifest("given/tasks.yaml"):
            entry.load(Path("given"))

    feed = fuzz.seeded("manifest", lambda rng: yaml_text(rng, (MANIFEST,), fuzz))
    hostile(feed, use, share=0.04, allowed=(DataError,))


def test_words_of_the_command_line(hostile: Callable[..., None], fuzz: SimpleNamespace) -> None:
    flags = sorted({f"--{name.replace('_', '-')}" for one in COMMANDS for name in one.options.__dataclass_fields__})

    def make(rng: random.Random) -> list[str]:
        words = list(rng.choice(COMMANDS).name.split())
        for _ in range(rng.randrange(6)):
            odd = rng.choice((*fuzz.odd, "3", "0.1", "10m", "a.csv", "1,2", "-3", "--", "@x", "9e999h"))
            words += rng.choice(([odd], [rng.choice(flags), odd], [f"{rng.choice(flags)}={odd}"], [rng.choice(flags)]))
        return words

    def use(words: list[str]) -> None:
        namespace = _parse(words)
        collect(namespace, next(one.options for one in COMMANDS if one.name == namespace.command))

    hostile(fuzz.seeded("words", make), use, share=0.06, allowed=(OptionError,))


@pytest.mark.parametrize("text", ["a: &a [1]\nb: *a\n", "top-k: !!python/name:os.system\n", "[" * 500])
def test_aliases_tags_and_depth_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "options.yaml").write_text(text)
    with pytest.raises(OptionError, match=r"line [12]:"):
        read_config(str(tmp_path / "options.yaml"), COMMANDS[0].options)


@pytest.mark.parametrize("path", ["/etc/passwd", "../other/a.csv", "a/../../b.csv"])
def test_a_manifest_stays_in_its_data_folder(path: str, tmp_path: Path) -> None:
    (tmp_path / "tasks.yaml").write_text(f"tasks:\n- {{name: a, family: f, kind: forecasting, path: {path}}}\n")
    with pytest.raises(DataError, match="must stay in the data folder"):
        read_manifest(tmp_path / "tasks.yaml")
