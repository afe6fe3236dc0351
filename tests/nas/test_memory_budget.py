"""A memory budget: what it makes of sizes, that it is kept on a long series, and that it changes no result."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from compute.memory import LEAST_BUDGET, SHARES, MemoryBudgetError, at_a_time, memory_budget
from downstream import evaluation
from downstream.data import load_task
from downstream.forecasting.combining.plan import plan_members
from downstream.forecasting.kept import kept
from downstream.forecasting.rows import pick_origins, row_blocks
from encoders.encoder import Encoder
from nas.cli import program as cli
from nas.engines.job import Job
from nas.engines.run import run_candidates
from nas.representer import Representer
from nas.saved.embedding_table import EmbeddingTable
from search_space.presets import preset

MB = 1_000_000
MEASURE = """
import dataclasses, json, sys
from pathlib import Path
import numpy as np
import torch
from downstream.represent import represent_steps
from nas.saved.embedding_table import EmbeddingTable
from nas.representer import Representer
from encoders.encoder import Encoder
from compute.memory import memory_budget
from search_space.presets import preset

def resident(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(name)).split()[1])

torch.set_num_threads(1)
torch.manual_seed(0)
cell = dataclasses.replace(preset("dlinear").encoder, hidden=8, output=256)
represent = Representer(Encoder(cell, variates=1))
values = np.random.default_rng(0).normal(size=(70_000, 1)).astype(np.float32)
budget, sums = int(sys.argv[1]) or None, []

def blocks(some):
    for block in represent_steps(represent, some, window=4):
        sums.append(block.sum(axis=0, dtype=np.float64))
        yield block

def embed(some):
    with memory_budget(budget), EmbeddingTable(Path(sys.argv[2]), per_step=True) as table:
        table.add("s", blocks(some))

embed(values[:100])
sums.clear()
before = resident("VmRSS")
Path("/proc/self/clear_refs").write_text("5")
embed(values)
print(json.dumps([resident("VmHWM") - before, 70_000 * sums[0].size * 4, np.sum(sums, axis=0).tolist()]))
"""


def test_shares_leave_room_for_what_is_held_together() -> None:
    probing = SHARES["window"] + 2 * SHARES["row"] + 2 * SHARES["kept row"]
    learning = 4 * SHARES["similarity"] + 2 * SHARES["kept similarity"]  # a block with its copies, and the kept ones
    assert probing < 1 / 2 and learning < 1 and 2 * SHARES["candidate"] < 1


def test_without_a_budget_sizes_are_those_that_are_best() -> None:
    assert at_a_time(131_072, "candidate", bytes_each=1e12) == 131_072
    with memory_budget(400 * MB):
        assert at_a_time(131_072, "candidate", bytes_each=1e6) == 100
        assert at_a_time(7, "candidate", bytes_each=1e6) == 7
    assert at_a_time(131_072, "candidate", bytes_each=1e6) == 131_072


def test_too_small_a_budget_names_the_least_that_would_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(MemoryBudgetError, match=r"1 MB is too small for anything .* is about 64 MB"), memory_budget(MB):
        pass
    with memory_budget(100 * MB), pytest.raises(MemoryBudgetError, match=r"one window .* is about 240 MB"):
        at_a_time(10, "window", bytes_each=30 * MB)
    with memory_budget(240 * MB):
        assert at_a_time(10, "window", bytes_each=30 * MB) == 1
    path = tmp_path / "s.csv"
    path.write_text("a\n" + "\n".join(str(at % 7) for at in range(300)))
    words = ["search", str(path), "--task", "forecasting", "--output", str(tmp_path / "run"), "--memory-budget", "1MB"]
    assert cli.main(words) == 5
    assert capsys.readouterr().err.count("\n") == 1 and not (tmp_path / "run").exists()


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peak memory of a stretch is told by Linux only")
def test_the_budget_is_kept_on_a_long_series_and_changes_no_embedding(tmp_path: Path) -> None:
    found = {}
    for budget in (0, LEAST_BUDGET):
        command = [sys.executable, "-c", MEASURE, str(budget), str(tmp_path / "z.npz")]
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
        answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        peak, n_bytes, found[budget] = json.loads(answer.stdout)
        if budget:
            assert 0 < peak < budget < n_bytes
    np.testing.assert_allclose(found[0], found[LEAST_BUDGET], rtol=1e-4, atol=1e-2)


@pytest.fixture
def represent() -> Representer:
    torch.manual_seed(0)
    return Representer(Encoder(replace(preset("dlinear", kind="forecasting").encoder, output=16), variates=4))


def test_probes_score_alike_within_a_budget(represent: Representer) -> None:
    values = np.cumsum(np.random.default_rng(0).normal(size=(1000, 4)), axis=0)
    task = load_task(values, kind="forecasting", window=24, horizons=(6,), layout="ntc")
    opened = task.open_test()
    plain = evaluation.score_test(task, opened, represent)
    with memory_budget(LEAST_BUDGET):
        tight = evaluation.score_test(task, opened, represent)
    assert plain.settings.keys() == tight.settings.keys()
    for name, value in plain.metrics.items():
        assert tight.metrics[name] == pytest.approx(value, rel=1e-6)


def test_blocks_kept_in_a_file_come_back_as_they_were(represent: Representer) -> None:
    values = np.random.default_rng(0).normal(size=(4000, 4))
    task = load_task(values, kind="forecasting", window=24, horizons=(96,), layout="ntc")
    origins = pick_origins(task, "train", horizon=96, max_rows=40_000)

    def blocks() -> list[object]:
        return list(row_blocks(task, "train", origins, horizons=(96,), represent=represent))

    with memory_budget(LEAST_BUDGET):
        expected = blocks()
        with kept(row_blocks(task, "train", origins, horizons=(96,), represent=represent)) as some:
            assert 0 < len(some.held) < len(expected)
            for block, again, other in zip(expected, some, some, strict=True):  # two readers at a time
                for name, value in vars(block).items():
                    np.testing.assert_array_equal(value, getattr(again, name))
                    np.testing.assert_array_equal(value, getattr(other, name))
        with kept(iter(())) as none:
            assert len(list(none)) == 0
    with kept(blocks()) as every:  # type: ignore[arg-type]
        assert len(every.held) == len(blocks())


def test_sums_of_each_variate_are_kept_only_where_they_have_room() -> None:
    values = np.random.default_rng(0).normal(size=(600, 500))
    task = load_task(values, kind="forecasting", window=48, horizons=(4,), layout="ntc")

    def groups() -> int:
        apart = plan_members(task, (4,), streams=0, width=0).apart
        return 0 if apart is None else len(apart.members)

    assert groups() == 500
    with memory_budget(LEAST_BUDGET):
        assert groups() < 5


@pytest.mark.parametrize("engine", ["process", "serial"])
def test_workers_are_told(engine: str) -> None:
    ask = {"most": 1000, "what": "candidate", "bytes_each": MB}
    (result,) = run_candidates([Job("a", at_a_time, ask)], engine=engine, workers=1, memory_budget=100 * MB)
    assert result.value == 25
    (result,) = run_candidates([Job("a", at_a_time, ask)], engine=engine, workers=1)
    assert result.value == 1000
    ask = {**ask, "bytes_each": 1000 * MB}
    (result,) = run_candidates([Job("a", at_a_time, ask)], engine=engine, workers=1, memory_budget=100 * MB)
    assert result.status == "out_of_memory" and "the least that would do" in result.error


@pytest.mark.parametrize("suffix", ["npz", "csv", "parquet"])
def test_a_table_written_in_parts_is_the_table_written_at_once(suffix: str, tmp_path: Path) -> None:
    import pandas as pd

    if suffix == "parquet":
        pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
    rows = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    paths = [tmp_path / f"{name}.{suffix}" for name in ("whole", "parts")]
    for path, some in zip(paths, (50, 7), strict=True):
        with EmbeddingTable(path, per_step=True) as table, pytest.MonkeyPatch.context() as patch:
            patch.setattr("nas.saved.embedding_table.ROWS_AT_A_TIME", some)
            table.add("first", [rows[:20]])
            table.add("second one", [rows[20:31], rows[31:]])
            table.write()
            assert table.shape == (50, 3)
    if suffix == "npz":
        with np.load(paths[0]) as whole, np.load(paths[1]) as parts:
            np.testing.assert_array_equal(whole["embeddings"], rows)
            assert whole["series"].tolist() == ["first"] * 20 + ["second one"] * 30
            assert whole["step"].tolist() == [*range(20), *range(30)]
            for name in whole.files:
                np.testing.assert_array_equal(whole[name], parts[name])
        return
    whole, parts = (pd.read_csv(p) if suffix == "csv" else pd.read_parquet(p) for p in paths)
    pd.testing.assert_frame_equal(whole, parts)
    np.testing.assert_allclose(whole[["f0", "f1", "f2"]], rows, rtol=1e-6)
    assert whole["step"].tolist() == [*range(20), *range(30)]
