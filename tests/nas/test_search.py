"""A search end to end on small data: what it writes, resumes, refuses and shows again."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ahc.bank import Bank
from downstream import evaluation
from downstream.cases import features
from downstream.classification.probes import PROBES
from downstream.data import load_task
from nas import net, search_run
from nas.choosing.space_file import space_text
from nas.cli import program as cli
from nas.cli.encoders.embed import embed
from nas.cli.encoders.evaluate import evaluate
from nas.errors import NothingTrainedError, NotVerifiedError, OutputExistsError
from nas.options.search import SearchOptions
from nas.options.using.encoders import EmbedOptions, EvaluateOptions
from nas.saved.encoder import load_encoder
from nas.search import search
from nas.search_run import SearchRun
from search_space.genotype import Genotype
from search_space.space import default_space
from tests.nas.small_sets import TEST_CASES, italy

search_module = sys.modules["nas.search"]  # the package's attribute of that name may be the function
ITALY = italy()


def options(folder: Path, **changes: object) -> SearchOptions:
    settings = {"task": "classification", "preset": "simclr", "iterations": 4, "engine": "serial", "workers": 1,
                "report": False}  # fmt: skip
    return SearchOptions(**{"data": str(ITALY), "output": str(folder), "quiet": True, **settings, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module", autouse=True)
def without_minirocket() -> Iterator[None]:
    """Keep the compilation of MiniRocket (half a minute) out; tests/downstream covers it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "find_spec", lambda name: None)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "italy"
    search(options(folder))
    return folder


def test_a_run_folder_is_complete(run: Path) -> None:
    facts = json.loads((run / "run.json").read_text())
    methods = [row["method"] for row in facts["rows"]]
    assert methods[:3] == ["chosen", "untrained encoder", "TS2Vec preset"] and facts["chosen"]["origin"] == "named"
    assert any(row["baseline"] for row in facts["rows"])
    assert facts["rows"][0]["protocol"]["n_windows"] == TEST_CASES
    assert facts["machine"]["cores"] >= 1 and facts["machine"]["memory_bytes"] > 1e8 and facts["machine"]["processor"]
    assert set(facts["seconds"]) >= {"read data", "try candidates", "choose", "verify on test"}
    genotype = Genotype.from_dict(json.loads((run / "genotype.json").read_text()))
    assert load_encoder(run).genotype == genotype
    answer = (run / "answer.txt").read_text()
    assert answer.startswith("Use the encoder that you named: accuracy 0.")
    assert "TS2Vec preset" in answer and "tscnas embed" in answer
    assert (run / "ranking.csv").read_text().startswith("rank,")
    assert not {"report.html", "report.json"} & {file.name for file in run.iterdir()}  # it was asked for none


@pytest.mark.parametrize("kind", ["forecasting", "anomaly"])
def test_every_kind_of_task_gets_an_answer(kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = np.sin(np.arange(900) / 6) + 0.1 * rng.normal(size=900)
    labels = np.zeros(900, dtype=int)
    if kind == "anomaly":
        values[700:705] += 5.0
        labels[700:705] = 1
    columns = {"value": values} if kind == "forecasting" else {"value": values, "label": labels}
    pd.DataFrame(columns).to_csv(tmp_path / "data.csv", index_label="step")
    horizons = (12,) if kind == "forecasting" else ()
    result = search(options(tmp_path / "run", data=str(tmp_path / "data.csv"), task=kind, window=24, horizons=horizons))
    methods = {row.name for row in result.rows}
    expected = {"raw_lag_ridge", "repeat_last", "seasonal_naive"} if kind == "forecasting" else {"moving_z_score"}
    assert expected | {"chosen", "untrained encoder", "TS2Vec preset"} <= methods
    assert all(np.isfinite(row.scores.value) for row in result.rows)
    assert result.rows[0].scores.metric in result.text
    if kind == "forecasting":
        assert "chosen, representation alone" in methods


def test_numbers_are_predicted_beside_their_baselines(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    target = rng.normal(size=60)
    values = target[:, None] + 0.3 * rng.normal(size=(60, 24))
    lines = [",".join([f"{y}", *map(str, x)]) for y, x in zip(target, values, strict=True)]
    header = ",".join(["label", *(f"t{step}" for step in range(24))])
    (tmp_path / "data.csv").write_text("\n".join([header, *lines]) + "\n")
    result = search(options(tmp_path / "run", data=str(tmp_path / "data.csv"), task="regression"))
    scores = {row.name: row.scores for row in result.rows}
    assert {"chosen", "untrained encoder", "TS2Vec preset", "mean", "raw_series"} <= set(scores)
    assert scores["chosen"].value < scores["mean"].value
    assert "rmse (lower is better)" in result.text and " r2" in result.text


def test_a_space_is_part_of_the_question_and_of_the_answer(tmp_path: Path) -> None:
    space = default_space().restrict({"EncoderCell": {"operators": "conv1d", "nodes": 2}, "TrainCell.batch_size": 8})
    (tmp_path / "space.yaml").write_text(space_text(space))
    how = {"preset": None, "candidates": 40, "top_k": 1, "landmarks": 4}
    asked = options(tmp_path / "run", space=str(tmp_path / "space.yaml"), **how)
    result = search(asked)
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["space"] == {"name": str(tmp_path / "space.yaml"), "choices": space.to_dict()}
    assert f"Space: {tmp_path / 'space.yaml'}, " in result.text
    assert "finished before" in search(options(tmp_path / "run", space=space, **how)).text  # the same by another name
    for other in ({}, {"space": "default"}, {"space": "full"}):
        with pytest.raises(OutputExistsError, match=r"holds a run with other options \(space differ\)"):
            search(options(tmp_path / "run", **how, **other))


def test_the_default_space_is_the_same_question_left_out_or_named(run: Path) -> None:
    config = json.loads((run / "config.json").read_text())
    assert config["question"]["space"] is None and json.loads((run / "run.json").read_text())["space"] is None
    asked = {"question": {key: value for key, value in config["question"].items() if key != "space"}}
    (run / "config.json").write_text(json.dumps(asked))  # as versions without a choice wrote it
    for how in ({}, {"space": "default"}, {"space": default_space()}):
        assert "finished before" in search(options(run, **how)).text
    task = load_task(ITALY, kind="classification")

    def asked_about(**how: object) -> object:
        asking = SearchRun(task, options(run.parent / "new", preset=None, **how))
        return asking.folder._config["question"]["space"]

    assert asked_about() == asked_about(space="default") == asked_about(space=default_space())
    assert asked_about() == default_space().to_dict()
    encoder = {"hidden": [16, 32, 64], "output": [64, 128]}
    encoder["readout"] = ["attention", "last", "max", "mean", "multiscale", "ppv"]  # type: ignore[assignment]
    earlier = {  # the whole default space before there was a choice
        "EmbedCell": {"norm": ["none", "batchnorm", "l2", "layernorm"]},
        "PairCell": {"kernel": [0, 2, 3, 5, 7]},
        "LossCell": {"triplet.margin": [0.2, 0.5, 1.0]},
        "EncoderCell": encoder,
    }
    assert asked_about(space=earlier) is None


def test_the_bank_holds_validation_values_only(run: Path) -> None:
    test_values = {row["value"] for row in json.loads((run / "run.json").read_text())["rows"]}
    with Bank(run / "bank.sqlite", read_only=True) as bank:
        records = bank.records()
    assert records and all(record.curve[0][0] == 0 for record in records)
    assert not any(value in test_values for record in records for _, value, _ in record.curve)


def test_a_finished_run_is_shown_again_and_nothing_is_trained(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_module, "candidates_for", lambda *_, **__: pytest.fail("trained again"))
    again = search(options(run))
    assert again.text.startswith("(finished before")
    assert (run / "answer.txt").read_text() in again.text


def test_other_options_never_replace_a_run(run: Path) -> None:
    before = (run / "run.json").read_text()
    with pytest.raises(OutputExistsError, match=r"iterations differ\); of these it can be given more, never less"):
        search(options(run, iterations=3))
    with pytest.raises(OutputExistsError, match="rng_seed differ"):
        search(options(run, rng_seed=5))
    assert (run / "run.json").read_text() == before


def test_a_finished_run_is_given_more_and_tries_what_it_has_not_tried(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    how = {"preset": None, "candidates": 40, "landmarks": 3, "top_k": 1, "data": str(ITALY)}
    search(options(folder, **how))
    with Bank(folder / "bank.sqlite", read_only=True) as bank:
        before = {record.record_key for record in bank.records()}
    longer = search(options(folder, **{**how, "landmarks": 5, "task": None}))  # what was told from the data is the same
    assert not longer.text.startswith("(finished") and "Tried 5 candidates" in longer.text
    with Bank(folder / "bank.sqlite", read_only=True) as bank:
        assert before < {record.record_key for record in bank.records()}
    assert (folder / "answer.txt").read_text() == longer.text + "\n"


def test_an_interrupted_run_goes_on_and_ends_as_if_undisturbed(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(search_run, "verify", interrupt)
        with pytest.raises(KeyboardInterrupt):
            search(options(tmp_path / "italy"))
    assert not (tmp_path / "italy" / "run.json").exists()
    resumed = search(options(tmp_path / "italy"))
    straight = json.loads((run / "run.json").read_text())
    assert [row.scores.value for row in resumed.rows] == [row["value"] for row in straight["rows"]]
    with Bank(run / "bank.sqlite", read_only=True) as one, Bank(tmp_path / "italy" / "bank.sqlite") as other:
        assert [record.record_key for record in one.records()] == [record.record_key for record in other.records()]


def test_the_test_part_is_opened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = load_task(ITALY, kind="classification")
    opened = []
    seal = task.sealed
    original = type(seal).open
    monkeypatch.setattr(type(seal), "open", lambda self, name: opened.append(name) or original(self, name))
    search_module.search_task(task, options(tmp_path / "once"))
    assert opened == ["ItalyPowerDemand"]


def test_poisoned_test_data_changes_no_choice(tmp_path: Path) -> None:
    text = (ITALY / "ItalyPowerDemand_TEST.ts").read_text().splitlines()
    header = [line for line in text if line.startswith(("@", "#")) or not line]
    cases = [line for line in text if line and not line.startswith(("@", "#"))]
    poisoned = [",".join(["777"] * 24) + line[line.rindex(":") :] for line in cases]
    folder = tmp_path / "ItalyPowerDemand"
    folder.mkdir()
    (folder / "ItalyPowerDemand_TRAIN.ts").write_bytes((ITALY / "ItalyPowerDemand_TRAIN.ts").read_bytes())
    (folder / "ItalyPowerDemand_TEST.ts").write_text("\n".join(header + poisoned) + "\n")
    clean = search(options(tmp_path / "clean"))
    dirty = search(options(tmp_path / "dirty", data=str(folder)))
    one, other = (json.loads((run.folder / "run.json").read_text())["chosen"] for run in (clean, dirty))
    assert one == other
    assert clean.rows[0].scores.value != dirty.rows[0].scores.value


def test_nothing_trained_is_its_own_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def diverge(*_: object, **__: object) -> None:
        raise FloatingPointError("not finite")

    monkeypatch.setattr(net, "validate", diverge)
    with pytest.raises(NothingTrainedError, match="none of 2 candidates could be trained: 2 diverged"):
        search(options(tmp_path / "run"))
    with Bank(tmp_path / "run" / "bank.sqlite") as bank:
        assert {record.status for record in bank.records()} == {"diverged"}


def test_embeddings_per_series_and_per_step(run: Path, tmp_path: Path) -> None:
    embed(EmbedOptions(str(run), str(ITALY), output=str(tmp_path / "z.npz"), quiet=True))
    with np.load(tmp_path / "z.npz", allow_pickle=False) as file:
        z, names = file["embeddings"], file["series"]
    assert len(z) == 67 + TEST_CASES and len(set(names)) == len(z)
    few = shutil.copy(
        ITALY / "ItalyPowerDemand_TRAIN.ts", tmp_path / "few.ts"
    )  # all are three million numbers in words
    embed(EmbedOptions(str(run), str(few), output=str(tmp_path / "steps.csv"), level="step", quiet=True))
    lines = (tmp_path / "steps.csv").read_text().splitlines()
    assert lines[0].startswith("series,step,f0") and len(lines) == 1 + 67 * 24
    with pytest.raises(OutputExistsError):
        embed(EmbedOptions(str(run), str(ITALY), output=str(tmp_path / "z.npz"), quiet=True))


def test_the_svm_is_left_out_where_it_is_not_wanted(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = json.loads((run / "config.json").read_text())["question"]
    assert before["svm"] is None  # a run from before there was the choice goes on

    def unwanted(*_: object, **__: object) -> None:
        raise AssertionError("nobody wants it")

    monkeypatch.setitem(PROBES, "svm", unwanted)
    text = search(options(tmp_path / "linear", svm=False, engine="serial", time_budget=600.0)).text
    assert "svm: left out, as asked" in text
    row = json.loads((tmp_path / "linear" / "run.json").read_text())["rows"][0]
    assert row["value"] == row["metrics"]["accuracy/ridge"] and "accuracy/svm" not in row["metrics"]
    evaluated = evaluate(EvaluateOptions(str(run), str(ITALY), svm=False, quiet=True))
    assert "accuracy/svm" not in evaluated.rows[0].scores.metrics and "as asked" in evaluated.text


def test_evaluate_repeats_the_scores_of_the_search(run: Path, tmp_path: Path) -> None:
    result = evaluate(EvaluateOptions(str(run), str(ITALY), output=str(tmp_path / "scores.json"), quiet=True))
    straight = json.loads((run / "run.json").read_text())["rows"]
    assert result.rows[0].scores.value == straight[0]["value"]
    assert result.rows[1].scores.value == straight[1]["value"]
    assert json.loads((tmp_path / "scores.json").read_text())[0]["value"] == straight[0]["value"]


def test_a_verification_that_fails_keeps_what_was_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> None:
        raise OSError("its worker was killed")

    with monkeypatch.context() as patch:
        patch.setattr(evaluation, "score_test", killed)
        with pytest.raises(NotVerifiedError, match=r"scoring of the chosen on test failed .*its worker was killed"):
            search(options(tmp_path / "run"))
    assert cli.status_of(NotVerifiedError("x")) == 6
    with Bank(tmp_path / "run" / "bank.sqlite", read_only=True) as bank:
        n_trained = len(bank)
    monkeypatch.setattr(net.Trainer, "step", lambda self: pytest.fail("trained again"))
    assert search(options(tmp_path / "run")).rows[0].name == "chosen"
    with Bank(tmp_path / "run" / "bank.sqlite", read_only=True) as bank:
        assert len(bank) == n_trained > 0
