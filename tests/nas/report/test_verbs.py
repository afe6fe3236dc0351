"""`tscnas report` and `tscnas plot`: what they write, and the one sentence where they cannot."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from ahc.bank import Bank
from nas.cli import program as cli
from nas.options.using.reporting import FIGURE_NAMES, INTERACTIVE_NAMES
from nas.report import interactive
from nas.report.figures import FIGURES
from nas.report.run_report import PAGE_NAME


def test_the_names_of_the_option_are_those_of_the_figures() -> None:
    assert set(FIGURE_NAMES) == set(FIGURES) and set(INTERACTIVE_NAMES) == set(interactive.INTERACTIVE)


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_plot_draws_a_figure(run: Path, tmp_path: Path, ending: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / f"history.{ending}"
    assert cli.main(["plot", str(run), "history", "--output", str(path)]) == 0
    assert f"Drawn in {path}" in capsys.readouterr().out
    content = path.read_bytes()
    if ending == "png":
        assert content.startswith(b"\x89PNG")
    else:
        assert ElementTree.fromstring(content).tag.endswith("svg")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert cli.main(["plot", str(run), "history", "--output", str(path)]) == 2
    assert capsys.readouterr().err == f"tscnas: error: {path} exists; --overwrite replaces it\n"
    assert cli.main(["plot", str(run), "history", "--output", str(path), "--overwrite"]) == 0


@pytest.mark.parametrize("figure", INTERACTIVE_NAMES)
def test_a_figure_to_point_at_is_a_page_of_its_own(run: Path, tmp_path: Path, figure: str) -> None:
    folder = tmp_path / "<b>run"
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("trials", "*.safetensors"))
    path = tmp_path / "page.html"
    assert cli.main(["plot", str(folder), figure, "--output", str(path)]) == 0
    page = path.read_text(encoding="utf-8")
    assert "<script src=" not in page and "&lt;b&gt;run" in page and "<b>run" not in page
    with Bank(run / "bank.sqlite", read_only=True) as bank:
        keys = {record.genotype_key for record in bank.records()}
    assert sum(key[:8] in page for key in keys) > len(keys) / 2


def test_what_a_page_needs_is_said_before_the_run_is_read(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*words: str) -> str:
        assert cli.main(["plot", *words]) == 2
        return capsys.readouterr().err

    assert "only history and pareto are drawn as .html" in told(str(run), "map", "--output", "x.html")
    monkeypatch.setattr(interactive, "find_spec", lambda name: None)
    missing = told(str(tmp_path / "nowhere"), "history", "--output", str(tmp_path / "x.html"))
    assert missing == "tscnas: error: output: plotly is not installed; pip install 'ts-contrastive-nas[plotly]'\n"


def test_a_page_is_written_again_from_the_folder_alone(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "moved"
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("trials", "*.safetensors", PAGE_NAME))
    shutil.copyfile(run / "predictor.safetensors", folder / "predictor.safetensors")
    assert cli.main(["report", str(folder)]) == 0
    again, before = ((place / PAGE_NAME).read_text(encoding="utf-8") for place in (folder, run))
    assert again.count("<svg") == before.count("<svg") and "A map of the chosen encoder" in again
    assert cli.main(["report", str(folder)]) == 2 and cli.main(["report", str(folder), "--overwrite"]) == 0


def test_several_runs_become_a_comparison(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other"
    shutil.copytree(run, other, ignore=shutil.ignore_patterns("trials"))
    path = tmp_path / "both.html"
    assert cli.main(["report", str(run), str(other), "--output", str(path)]) == 0
    assert "Comparison of 2 runs" in capsys.readouterr().out and "2 searches compared" in path.read_text(
        encoding="utf-8"
    )


def sentence(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return what a command says that fails for the data that it was given."""
    assert cli.main([*words]) == 3
    said = capsys.readouterr().err
    assert said.startswith("tscnas: error: ") and said.count("\n") == 1
    return said


@pytest.mark.parametrize("verb", [("report",), ("plot", "history")])
def test_what_is_no_finished_search_is_said(
    run: Path, tmp_path: Path, verb: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    def told(folder: Path) -> str:
        output = str(tmp_path / ("x.html" if verb[0] == "report" else "x.png"))
        return sentence(capsys, verb[0], str(folder), *verb[1:], "--output", output)

    assert f"{tmp_path / 'nowhere'} is not the folder of a search" in told(tmp_path / "nowhere")
    folder = tmp_path / "run"
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("trials"))
    facts = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**facts, "rows": []}))
    assert "only ranked: nothing was trained" in told(folder)
    (folder / "run.json").write_text(json.dumps({**facts, "rows": [{"method": "chosen"}]}))
    assert "run.json is not the answer of a search" in told(folder)
    (folder / "run.json").write_text("{")
    assert "has a damaged run.json" in told(folder)
    (folder / "run.json").unlink()
    assert "is not finished; `tscnas status` says how it stands" in told(folder)


def test_a_figure_that_a_run_has_not_is_said(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "old"
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("trials", "report.json", "bank.sqlite"))
    assert "holds no map" in sentence(capsys, "plot", str(folder), "map", "--output", str(tmp_path / "map.png"))
    assert cli.main(["report", str(folder), "--overwrite"]) == 0
    page = (folder / PAGE_NAME).read_text(encoding="utf-8")
    assert "The trials cannot be read" in page and "no report.json" in page


def test_wrong_names_are_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plot", str(run), "hystory"]) == 2
    assert "figure: must be one of history, pareto" in capsys.readouterr().err
    assert cli.main(["plot", str(run), "history", "--output", "x.pdf"]) == 2
    assert cli.main(["report", str(run), "--output", "x.pdf"]) == 2
