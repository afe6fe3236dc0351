"""What a run writes for TensorBoard: with a stand-in that asks what the real writer asks, and with the real one."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ahc.bank import Bank
from ahc.record import TrialRecord
from downstream.cases import features
from downstream.data import load_task
from nas.board.projector import MOST_POINTS, write_projection
from nas.board.run_board import RunBoard, hyperparameters
from nas.cli import program as cli
from nas.errors import OptionError, OutputExistsError
from nas.net import train_candidate
from nas.options.search import SearchOptions
from nas.representer import Representer
from nas.runs import board_files
from nas.runs.events import RunEvents
from nas.runs.folder import RunFolder
from nas.runs.lines import read_json_lines
from nas.saved.encoder import load_encoder, save_encoder
from nas.search import search
from search_space.presets import PRESETS, preset
from tests.nas.combinations import combination_file
from tests.nas.small_sets import italy
from tests.nas.trial_records import record

ITALY = italy()


class StandIn:
    """Takes what `SummaryWriter` takes, no more, and writes it as JSON into a file with a name like its own."""

    number = 0

    def __init__(self, log_dir: str) -> None:
        self._folder = Path(log_dir)
        self._lines: list[list[Any]] = []
        StandIn.number += 1
        self._name = f"events.out.tfevents.{StandIn.number}"

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        assert type(tag) is str and type(value) is float and type(step) is int
        self._lines.append([tag, value, step])

    def add_hparams(self, genes: dict[str, Any], metrics: dict[str, float], run_name: str) -> None:
        assert type(genes) is dict and type(metrics) is dict and run_name == "."
        assert all(type(value) in (int, float, str, bool) for value in genes.values())
        self._lines.append(["hparams", genes, metrics])

    def flush(self) -> None:
        (self._folder / self._name).write_text(json.dumps(self._lines))

    def close(self) -> None:
        self.flush()


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = StandIn  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setattr(board_files, "find_spec", lambda name: object())


@pytest.fixture(autouse=True)
def without_minirocket() -> Iterator[None]:
    """Keep the compilation of MiniRocket (half a minute) out; tests/downstream covers it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "find_spec", lambda name: None)
        yield


def told(run: Path, trial: str) -> list[Any]:
    (file,) = (run / "tensorboard" / "trials" / trial).glob("events.*")
    lines: list[Any] = json.loads(file.read_text())
    return lines


def options(folder: Path, **changes: Any) -> SearchOptions:
    facts = {"task": "classification", "preset": "simclr", "iterations": 4, "engine": "serial", "quiet": True}
    return SearchOptions(str(ITALY), output=str(folder), **(facts | {"tensorboard": True, "report": False} | changes))


@pytest.mark.usefixtures("stand_in")
def test_a_trial_gets_its_curve_its_genes_and_its_score(tmp_path: Path) -> None:
    RunBoard(tmp_path).trial(record())
    *scalars, (_, genes, metrics) = told(tmp_path, f"{record().genotype_key}-4-0")
    assert scalars == [["validation/accuracy", 0.5, 0], ["validation/accuracy", 0.75, 1], ["loss", 2.5, 1]]
    assert metrics == {"best/accuracy": 0.75}
    assert genes["LossCell.temperature"] == 0.5 and genes["PairCell.instance"] == "yes"
    assert genes["AugCell1"] == "crop(ratio=0.5) rescale(sigma=0.3) jitter(sigma=0.1)"
    assert genes["EncoderCell.edges"] == '[[0, "dilated_conv"]]' and genes["status"] == "completed"
    assert [path.name for path in tmp_path.iterdir()] == ["tensorboard"]


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_gene_of_a_preset_is_a_number_or_a_text(name: str) -> None:
    genotype = preset(name)
    found = hyperparameters(record(genotype=genotype.to_dict(), genotype_key=genotype.key))
    assert all(type(value) in (int, float, str) for value in found.values())
    assert {key.split(".")[0] for key in found} == {*genotype.to_dict(), "iterations", "rng_seed", "status"} - {
        "schema"
    }


@pytest.mark.usefixtures("stand_in")
def test_a_trial_is_written_once_whole_and_only_where_there_is_a_curve(tmp_path: Path) -> None:
    board = RunBoard(tmp_path)
    left_by_a_kill = tmp_path / "tensorboard" / "trials" / f"{record().genotype_key}-4-0"
    left_by_a_kill.mkdir(parents=True)
    for name in ("events.out.tfevents.0", board_files.RUNNING):
        (left_by_a_kill / name).touch()
    for found in (record(), record(), record(rng_seed=1, curve=(), score=None, status="crashed")):
        board.trial(found)
    board.trial(record(rng_seed=2, curve=((0, None, None),), score=None, status="diverged"))
    assert told(tmp_path, f"{record().genotype_key}-4-2")[-1][2] == {}
    assert len(list((tmp_path / "tensorboard" / "trials").iterdir())) == 2
    assert len(told(tmp_path, f"{record().genotype_key}-4-0")) == 4


@pytest.mark.usefixtures("stand_in")
def test_a_search_leaves_every_trial_and_a_map_of_training_windows(tmp_path: Path) -> None:
    search(options(tmp_path / "run"))
    trials = tmp_path / "run" / "tensorboard" / "trials"
    with Bank(tmp_path / "run" / "bank.sqlite", read_only=True) as bank:
        names = {f"{one.genotype_key}-{one.iterations}-{one.rng_seed}" for one in bank.records()}
    assert {path.name for path in trials.iterdir()} == names and len(
        names
    ) == 8  # two candidates untrained and on three rungs
    points = np.loadtxt(tmp_path / "run" / "tensorboard" / "embedding.tsv", delimiter="\t")
    lines = (tmp_path / "run" / "tensorboard" / "metadata.tsv").read_text().splitlines()
    assert len(points) == 67 and points.std() > 0  # the training cases; others are the test part
    assert lines[0] == "window\tclass" and {line.split("\t")[1] for line in lines[1:]} == {"1", "2"}
    config = (tmp_path / "run" / "tensorboard" / "projector_config.pbtxt").read_text()
    assert '"embedding.tsv"' in config and '"metadata.tsv"' in config


@pytest.mark.usefixtures("stand_in")
def test_points_are_there_while_their_trial_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended, finished = [], RunEvents.finished

    def seen(self: RunEvents, found: TrialRecord, *, name: str) -> None:
        trial = f"{found.genotype_key}-{found.iterations}-{found.rng_seed}"
        scalars = [line for line in told(tmp_path / "run", trial) if line[0].startswith("validation/")]
        assert [[score, at] for _, score, at in scalars] == [[score, at] for at, score, _ in found.curve]
        assert (tmp_path / "run" / "tensorboard" / "trials" / trial / board_files.RUNNING).exists()
        finished(self, found, name=name)
        assert len(told(tmp_path / "run", trial)) > len(scalars)
        assert not (tmp_path / "run" / "tensorboard" / "trials" / trial / board_files.RUNNING).exists()
        ended.append(trial)

    monkeypatch.setattr(RunEvents, "finished", seen)
    search(options(tmp_path / "run", engine="process", workers=1))
    points = [line["trial"] for line in read_json_lines(tmp_path / "run" / "metrics.jsonl") if line["event"] == "point"]
    assert len(ended) == 8 and set(points) == set(ended)


@pytest.mark.usefixtures("stand_in")
def test_trials_from_before_anybody_asked_are_written_by_the_resumed_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["nas.search_run"], "verify", interrupt)
        with pytest.raises(KeyboardInterrupt):
            search(options(tmp_path / "run", tensorboard=False))
    assert not (tmp_path / "run" / "tensorboard").exists()
    search(options(tmp_path / "run"))  # no other question, so it goes on
    assert len(list((tmp_path / "run" / "tensorboard" / "trials").iterdir())) == 8


def test_a_map_of_a_long_series_is_bounded_and_shows_training_windows(tmp_path: Path) -> None:
    values = np.sin(np.arange(9000) / 7)
    (tmp_path / "wave.csv").write_text("y\n" + "\n".join(f"{value:.5f}" for value in values))
    task = load_task(tmp_path / "wave.csv", kind="forecasting", window=16, horizons=(4,))
    trial = train_candidate(preset("simclr", kind="forecasting"), task, iterations=0)
    save_encoder(tmp_path / "e.safetensors", trial.weights, genotype=trial.genotype, task=task, rng_seed=0)
    write_projection(tmp_path, tmp_path / "e.safetensors", task)
    points = np.loadtxt(tmp_path / "tensorboard" / "embedding.tsv", delimiter="\t")
    labels = (tmp_path / "tensorboard" / "metadata.tsv").read_text().splitlines()
    assert labels == [str(number) for number in range(len(points))]
    assert MOST_POINTS / 2 < len(points) <= MOST_POINTS
    represent = Representer(load_encoder(tmp_path / "e.safetensors").encoder)
    expected = represent(task.training_windows(limit=MOST_POINTS))[[0, -1]].mean(axis=1)
    np.testing.assert_allclose(points[[0, -1]], expected, rtol=1e-4, atol=1e-6)


def test_the_map_of_a_combination_shows_what_its_members_make(tmp_path: Path) -> None:
    wave = np.sin(np.arange(200) / 4)[None]
    task = load_task(wave, kind="forecasting", name="wave", window=16, horizons=(4,))
    (tmp_path / "e.safetensors").write_bytes(combination_file(task, ("minirocket", "patchtst")))
    write_projection(tmp_path, tmp_path / "e.safetensors", task)
    points = np.loadtxt(tmp_path / "tensorboard" / "embedding.tsv", delimiter="\t")
    expected = Representer(load_encoder(tmp_path / "e.safetensors").encoder)(task.training_windows())
    np.testing.assert_allclose(points, expected.mean(axis=1), rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("stand_in")
def test_starting_anew_removes_it_and_nothing_of_anybody_else(tmp_path: Path) -> None:
    run = RunFolder(tmp_path, config={})
    run.start()
    RunBoard(tmp_path).trial(record())
    (tmp_path / "tensorboard" / "mine.txt").touch()
    RunFolder(tmp_path, config={}, overwrite=True).start()
    assert [path.name for path in (tmp_path / "tensorboard").iterdir()] == ["mine.txt"]
    (tmp_path / "tensorboard" / "mine.txt").unlink()
    RunFolder(tmp_path, config={}, overwrite=True).start()
    assert not (tmp_path / "tensorboard").exists()


@pytest.mark.parametrize("link", ["tensorboard", "tensorboard/trials", "tensorboard/trials/x"])
def test_a_link_in_it_is_refused(link: str, tmp_path: Path) -> None:
    outside, run = tmp_path / "outside", tmp_path / "run"
    outside.mkdir()
    RunFolder(run, config={}).start()
    (run / link).parent.mkdir(parents=True, exist_ok=True)
    (run / link).symlink_to(outside)
    with pytest.raises(OutputExistsError, match="is a link"):
        RunFolder(run, config={}, overwrite=True)


def test_without_the_extra_it_is_one_sentence_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(board_files, "find_spec", lambda name: None)
    assert cli.main(["search", "none.csv", "--tensorboard"]) == 2
    error = capsys.readouterr().err
    assert "pip install 'ts-contrastive-nas[tensorboard]'" in error and error.count("\n") == 1
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)  # there, but broken
    with pytest.raises(OptionError, match="pip install"):
        RunBoard(tmp_path)


@pytest.mark.skipif(find_spec("tensorboard") is None, reason="the extra tensorboard is not installed")
def test_tensorboard_itself_reads_it(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    RunBoard(tmp_path).trial(record())
    name = f"{record().genotype_key}-4-0"
    events = EventAccumulator(str(tmp_path / "tensorboard" / "trials" / name))
    events.Reload()
    curve = [(event.step, event.value) for event in events.Scalars("validation/accuracy")]
    assert curve == [(0, 0.5), (1, 0.75)] and events.Scalars("best/accuracy")[0].value == 0.75
    assert "_hparams_/session_start_info" in events.summary_metadata
