"""Seed generation: waves, resuming, and a bank that an interruption does not change."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ahc.bank import SHIPPED, Bank, BankError
from ahc.task_embedding import EMBEDDING_VERSION
from downstream.errors import DataError
from nas import net
from nas.errors import TimeBudgetError
from nas.options.seeding import AhcOptions, SeedsOptions
from nas.seeding.comparator import train_ahc
from nas.seeding.lessons import read_lessons
from nas.seeding.manifest import read_manifest
from nas.seeding.seeds import generate_seeds
from nas.seeding.waves import TRAINED_PRESETS
from search_space.drawing import every_genotype
from search_space.genotype import Genotype
from search_space.presets import PRESETS, preset

EXAMPLES = Path(__file__).parents[3] / "examples" / "data"
MANIFEST = """
tasks:
  - {name: italy, family: power, kind: classification, path: ItalyPowerDemand, max_cases: 40}
  - {name: taxi, family: nab, kind: classification, path: NycTaxiDays, max_cases: 40}
"""


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    file = tmp_path / "tasks.yaml"
    file.write_text(MANIFEST)
    return file


def options(manifest: Path, bank: Path, **changes: object) -> SeedsOptions:
    sizes = {"probes": 33, "genotypes": 4, "promising": 2, "iterations": 2, "repeats": 0.05}
    settings = {**sizes, "engine": "serial", "workers": 1, "quiet": True}
    return SeedsOptions(str(manifest), data=str(EXAMPLES), bank=str(bank), **{**settings, **changes})  # type: ignore[arg-type]


def test_candidates_of_another_space_lie_in_it_and_a_small_one_ends(manifest: Path, tmp_path: Path) -> None:
    encoder = {"nodes": [1, 2], "operators": ["conv1d"], "blocks": [1], "hidden": [16], "readout": ["last"]}
    chain = {"options": ["jitter"], "lengths": [1], "jitter.sigma": [0.1]}
    small = {
        "AugCell1": chain,
        "AugCell2": chain,
        "EmbedCell": {"jitter": [0], "mask": [0], "norm": ["none"]},
        "PairCell": {"kinds": ["instance"], "pool": ["max"], "kernel": [0]},
        "LossCell": {"loss": ["nt_xent"], "nt_xent.temperature": [0.2], "similarity": ["dot"]},
        "EncoderCell": {
            **encoder,
            "output": [64],
            "dropout": [0],
            "normalization": ["none"],
            "channels": ["mixed"],
        },
        "TrainCell": {"learning_rate": [1e-3], "batch_size": [8], "weight_averaging": [True]},
    }
    asked = options(manifest, tmp_path / "small.sqlite", space=small)
    generate_seeds(asked)
    with Bank(asked.bank, read_only=True) as bank:
        records = [record for record in bank.records() if record.task_name == "italy"]
    presets = {preset(name, kind="classification").key for name in PRESETS}
    drawn = {record.genotype_key for record in records} - presets
    assert drawn == {genotype.key for genotype in every_genotype(asked.search_space)} and len(drawn) == 3
    assert generate_seeds(asked).n_new == 0


def test_waves_repeats_and_resuming(manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    straight = options(manifest, tmp_path / "straight.sqlite")
    first = generate_seeds(straight)
    with Bank(straight.bank, read_only=True) as bank:
        records = bank.records()
        assert len(bank.task_embeddings()) == 2
    per_task = [[one for one in records if one.task_name == name] for name in ("italy", "taxi")]
    for own in per_task:
        counts = Counter((one.origin, one.iterations) for one in own if one.origin != "repeat")
        assert (counts["shared", 0], counts["random", 0], counts["evolved", 0]) == (13, 9, 11)
        assert (counts["shared", 1], counts["random", 1], counts["random", 2]) == (2, 1, 1)
        assert counts["promising", 1] == 2 and counts.total() == 39
        assert all(one.curve[0][0] == 0 and one.untrained_score is not None for one in own)
        probes = [one for one in own if one.iterations == 0 and one.origin in ("shared", "random")]
        encoders = {Genotype.from_dict(dict(one.genotype)).untrained_key for one in probes}
        assert len(encoders) == len(probes)  # no untrained encoder is probed twice
        trained = [one for one in own if one.iterations and one.origin == "shared"]
        assert {one.genotype_key for one in trained} == {preset(name).key for name in TRAINED_PRESETS[:2]}
        again = [one for one in own if one.origin == "repeat"]
        known = {(one.genotype_key, one.iterations, one.rng_seed) for one in own if one.origin != "repeat"}
        assert {one.rng_seed for one in again} == {1, 2} and len(again) == 2 * (2 + 1)
        assert all((one.genotype_key, one.iterations, 0) in known for one in again)
    shared, drawn = (
        [{one.genotype_key for one in own if (one.origin, one.iterations) == (origin, 0)} for own in per_task]
        for origin in ("shared", "random")
    )
    assert shared[0] == shared[1] and drawn[0] != drawn[1] and not (drawn[0] | drawn[1]) & shared[0]
    assert first.n_new == len(records) and generate_seeds(straight).n_new == 0

    interrupted = options(manifest, tmp_path / "interrupted.sqlite")
    add, left = Bank.add, [5]

    def add_until(self: Bank, record: object) -> bool:
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        return add(self, record)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Bank, "add", add_until)
        with pytest.raises(KeyboardInterrupt):
            generate_seeds(interrupted)
    resumed = generate_seeds(interrupted)
    assert resumed.n_known >= 5
    with Bank(interrupted.bank, read_only=True) as bank:
        found = {one.record_key: one.curve for one in bank.records()}
    assert found == {one.record_key: one.curve for one in records}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "tasks"),
        ("tasks: [", "not a YAML"),
        ("tasks: [3]", "mapping"),
        ("tasks: [{name: a, kind: forecasting, path: x}]", "family"),
        (MANIFEST.replace("taxi,", "italy,"), "unique"),
        ("tasks: [{name: a, family: a, name: b}]", "'name' is given already in line 1"),
    ],
)
def test_bad_manifests(text: str, word: str, tmp_path: Path) -> None:
    file = tmp_path / "tasks.yaml"
    file.write_text(text)
    with pytest.raises(DataError, match=word):
        read_manifest(file)


def test_a_wrong_argument_in_a_manifest_names_the_task(manifest: Path) -> None:
    manifest.write_text(MANIFEST.replace("max_cases: 40}", "max_case: 40}", 1))
    with pytest.raises(DataError, match=r"task italy: .*max_case"):
        read_manifest(manifest)[0].load(EXAMPLES)
    with pytest.raises(DataError, match="no task manifest"):
        read_manifest(manifest.with_name("other.yaml"))


def test_a_bank_that_holds_too_little_is_said_so(tmp_path: Path) -> None:
    with Bank(tmp_path / "bank.sqlite"):
        pass
    with pytest.raises(BankError, match=r"bank\.sqlite"):
        train_ahc(AhcOptions(str(tmp_path / "bank.sqlite"), output=str(tmp_path / "out"), quiet=True))
    assert not (tmp_path / "out").exists()


def test_families_are_left_out_by_name_and_a_misspelt_one_is_an_error(tmp_path: Path) -> None:
    lessons = read_lessons(str(SHIPPED))
    families = {record.family for record in lessons.records}
    one = sorted(families)[0]
    assert {record.family for record in read_lessons(str(SHIPPED), without=(one,)).records} == families - {one}
    with pytest.raises(BankError, match=f"no task of a family {one}x, which --without names"):
        train_ahc(AhcOptions(without=(f"{one}x",), output=str(tmp_path / "out"), quiet=True))
    assert not (tmp_path / "out").exists()


def test_a_bank_with_task_embeddings_of_another_version_is_refused(tmp_path: Path) -> None:
    with Bank(tmp_path / "bank.sqlite") as bank:
        facts: dict[str, Any] = {"family": "f", "kind": "forecasting", "embedding": np.ones(3, dtype=np.float32)}
        bank.add_task("1", name="ours", embedding_version=EMBEDDING_VERSION, **facts)
        bank.add_task("2", name="theirs", embedding_version="0", **facts)
    with pytest.raises(BankError, match=r"bank\.sqlite: the embedding of task theirs is of version 0"):
        train_ahc(AhcOptions(str(tmp_path / "bank.sqlite"), output=str(tmp_path / "out"), quiet=True))
    assert not (tmp_path / "out").exists()


def test_a_time_budget_ends_it_in_time_and_the_same_command_goes_on(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = net.validate

    def slow(*args: Any, **how: Any) -> Any:
        time.sleep(0.4)
        return original(*args, **how)

    monkeypatch.setattr(net, "validate", slow)
    chosen = options(manifest, tmp_path / "bank.sqlite", time_budget=7.0)
    began = time.monotonic()
    cut = generate_seeds(chosen)
    assert time.monotonic() - began < 7.35
    assert 0 < cut.n_new < 44 and set(cut.statuses) == {"completed"}
    assert f"stopped by the time budget of 7 s with {44 - cut.n_new} of 44 trials missing" in cut.text
    monkeypatch.undo()
    rest = generate_seeds(replace(chosen, time_budget=None))
    assert rest.n_known == cut.n_new and "time budget" not in rest.text
    with Bank(chosen.bank, read_only=True) as bank:
        assert len(bank) == 90 and {entry.embedding_version for entry in bank.tasks()} == {EMBEDDING_VERSION}


def test_a_time_budget_without_room_for_a_trial_is_its_own_error(manifest: Path, tmp_path: Path) -> None:
    with pytest.raises(TimeBudgetError, match=r"in 0\.5 s no trial came to its end; the least .* is about [0-9]+ s"):
        generate_seeds(options(manifest, tmp_path / "bank.sqlite", time_budget=0.5))
