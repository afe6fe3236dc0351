"""An exported file computes what the encoder does, or is refused in a sentence that says why."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from nas.cli import program as cli
from nas.export import formats
from nas.export.comparing import TOLERANCE, compare
from nas.export.graph import WindowEncoder, least_steps, program_of, scale_of
from nas.export.torch_export_file import content, reader
from nas.saved.encoder import SavedEncoder
from search_space.genotype import Genotype
from tests.nas.export.saved_encoders import VARIATES, WINDOW, saved, small

PAGE = Path(__file__).parents[3] / "docs" / "export.md"
FILES = {"onnx": "encoder.onnx", "torchscript": "encoder.pt", "torch_export": "encoder.pt2"}


# conformance tests export every operator by itself; these put several together, or read banks
SOME = ("hydra", "minirocket", "patchtst", "ts2vec")


@pytest.mark.parametrize("name", SOME)
def test_a_preset_is_exported_for_windows_of_any_length(name: str) -> None:
    encoder = saved(small(name))
    module = WindowEncoder(encoder, scale=scale_of(encoder, series=None)).eval()
    program = program_of(encoder, module, static_time=False)
    least = least_steps(program, static_time=False)
    assert least is not None and least <= 9
    comparison = compare(reader(content(program, {})), module, encoder, least_steps=least)
    assert comparison.lengths == (WINDOW, WINDOW + WINDOW // 2 + 1) and not comparison.n_over
    assert comparison.largest <= TOLERANCE
    with torch.no_grad():
        wanted = module(torch.full((2, WINDOW, 2), 7.0))
    assert comparison.n_features == wanted.shape[1]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a combination that was exported in all formats, and its `encoder.safetensors`."""
    folder = tmp_path_factory.mktemp("exported")
    saved(small("minirocket"), small("patchtst")).save(folder / "encoder.safetensors")
    for name, file in FILES.items():
        words = ["export", str(folder), "--format", name, "--output", str(folder / file)]
        assert cli.main(words) == 0
    return folder


def reads(written: Path) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    session = onnxruntime.InferenceSession(written / FILES["onnx"], providers=["CPUExecutionProvider"])
    script = torch.jit.load(written / FILES["torchscript"])
    module = torch.export.load(written / FILES["torch_export"]).module()
    return {
        "onnx": lambda x: session.run(None, {"windows": x})[0],
        "torchscript": lambda x: script(torch.as_tensor(x)).numpy(),
        "torch_export": lambda x: module(torch.as_tensor(x)).numpy(),
    }


def test_raw_windows_become_the_features_of_the_encoder(written: Path) -> None:
    encoder = saved(small("minirocket"), small("patchtst"))
    rng = np.random.default_rng(3)
    for batch, steps in ((1, WINDOW), (6, 41), (2, 11)):
        raw = (rng.normal(size=(batch, steps, 2)) * [20.0, 0.5] + [100.0, -3.0]).astype(np.float32)
        raw[0, -3:] = np.nan
        scaled = (raw.astype(np.float64) - encoder.scaler.mean) / encoder.scaler.deviation
        with torch.no_grad():
            wanted = encoder.encoder.represent(torch.as_tensor(scaled, dtype=torch.float32)).flatten(1).numpy()
        for name, run in reads(written).items():
            np.testing.assert_allclose(run(raw), wanted, atol=TOLERANCE * np.abs(wanted).max(), rtol=0, err_msg=name)


def test_axes_have_names_in_the_file(written: Path) -> None:
    session = onnxruntime.InferenceSession(written / FILES["onnx"], providers=["CPUExecutionProvider"])
    (windows,), (features,) = session.get_inputs(), session.get_outputs()
    assert windows.shape[:2] == ["batch", "time"] and features.shape[0] == "batch"
    assert isinstance(windows.shape[2], int) and isinstance(features.shape[1], int)


def facts_in(written: Path, name: str) -> dict[str, Any]:
    if name == "onnx":
        session = onnxruntime.InferenceSession(written / FILES[name], providers=["CPUExecutionProvider"])
        texts = ("written_by", "kind", "task")
        facts = session.get_modelmeta().custom_metadata_map
        return {key: value if key in texts else json.loads(value) for key, value in facts.items()}
    extra = {"facts.json": ""}
    if name == "torchscript":
        torch.jit.load(written / FILES[name], _extra_files=extra)
    else:
        torch.export.load(written / FILES[name], extra_files=extra)
    facts = json.loads(extra["facts.json"])
    assert isinstance(facts, dict)
    return facts


@pytest.mark.parametrize("name", FILES)
def test_the_file_says_what_it_takes_and_the_page_says_what_that_means(written: Path, name: str) -> None:
    facts = facts_in(written, name)
    assert facts["variates"] == list(VARIATES) and facts["window"] == WINDOW and facts["scales"] is True
    assert facts["most_steps"] is None and facts["least_steps"] == 9  # two patches
    assert facts["mean"] == [[100.0, -3.0]] and facts["deviation"] == [[20.0, 0.5]]
    assert [Genotype.from_dict(one) for one in facts["genotypes"]] == [small("minirocket"), small("patchtst")]
    table = PAGE.read_text(encoding="utf-8").split("## What the file says of itself")[1]
    named = {
        word for row in re.findall(r"^\| (`.*?) \|", table, flags=re.MULTILINE) for word in re.findall(r"`(\w+)`", row)
    }
    assert named == set(facts)


def test_the_code_of_the_page_runs_beside_the_files(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    assert len(blocks) == 3 and "tscnas" not in "".join(blocks) and "nas." not in "".join(blocks)
    monkeypatch.chdir(written)
    values: dict[str, Any] = {}
    features = []
    for block in blocks:
        exec(block, values)
        features.append(np.asarray(values["features"]))
    for other in features[1:]:
        np.testing.assert_allclose(other, features[0], atol=TOLERANCE * np.abs(features[0]).max(), rtol=0)


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    status = cli.main([str(word) for word in words])
    said = capsys.readouterr()
    return status, said.out + said.err


def test_an_output_is_kept_unless_it_may_be_replaced(
    written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.pt2"
    mine.write_text("mine")
    words = ("export", written, "--format", "torch_export", "--output")
    assert run(capsys, *words, mine)[0] == 2 and mine.read_text() == "mine"
    status, text = run(capsys, *words, tmp_path)
    assert status == 2 and "is a folder; --output names a file" in text
    status, text = run(capsys, *words, mine, "--overwrite")
    assert status == 0 and "float32 (batch, 9 or more steps, 2 variates: load, wind)" in text
    assert "as they are measured; the file scales them" in text and "largest difference" in text
    assert mine.read_bytes() != b"mine"


def keep(folder: Path, encoder: SavedEncoder) -> Path:
    encoder.save(folder / "encoder.safetensors")
    return folder


def test_what_cannot_be_exported_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--format", "torch_export", "--output", tmp_path / "encoder.pt2")
    recurrent = keep(tmp_path, saved(small("ts2vec", edges=((0, "gru"),))))
    status, text = run(capsys, "export", recurrent, *words)
    assert status == 2 and "the operator gru is exported for windows of one length only; --static-time does so" in text
    assert f"for windows of {WINDOW} steps" in text
    assert run(capsys, "export", recurrent, *words, "--static-time")[0] == 0
    module = torch.export.load(tmp_path / "encoder.pt2").module()
    assert module(torch.zeros(7, WINDOW, 2)).shape[0] == 7
    with pytest.raises(AssertionError, match="Guard failed"):
        module(torch.zeros(7, WINDOW + 1, 2))
    status, text = run(capsys, "export", keep(tmp_path, saved(small("timesnet"))), *words, "--overwrite")
    assert status == 3 and "the operator times_block cannot be exported" in text


def test_several_series_come_scaled_unless_one_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = keep(tmp_path, saved(small("simclr"), series=("a", "b")))
    words = ("export", folder, "--format", "torch_export", "--output")
    status, text = run(capsys, *words, tmp_path / "plain.pt2")
    assert status == 0 and "scaled, each series by its own mean and deviation (--series NAME" in text
    assert run(capsys, *words, tmp_path / "b.pt2", "--series", "b")[0] == 0
    plain, b = (torch.export.load(tmp_path / name).module() for name in ("plain.pt2", "b.pt2"))
    x = torch.randn(3, WINDOW, 2, generator=torch.Generator().manual_seed(4))
    raw = x * torch.tensor([40.0, 1.0]) + torch.tensor([200.0, -6.0])
    torch.testing.assert_close(b(raw), plain(x), atol=1e-4, rtol=1e-4)
    status, text = run(capsys, *words, tmp_path / "c.pt2", "--series", "c")
    assert status == 2 and "series: training knew no 'c'; it knew a, b" in text


def test_a_missing_package_is_said_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(formats, "find_spec", lambda name: None if name == "onnxscript" else object())
    status, text = run(capsys, "export", tmp_path / "nothing", "--output", tmp_path / "x.onnx")
    assert status == 2 and "onnxscript is not installed; pip install 'ts-contrastive-nas[export]'" in text


def test_a_file_that_computes_something_else_is_found_out() -> None:
    encoder = saved(small("simclr"))
    module = WindowEncoder(encoder, scale=scale_of(encoder, series=None)).eval()
    with pytest.raises(Exception, match="computes something else than the encoder"):
        compare(lambda windows: module(windows) * 1.001, module, encoder, least_steps=2)
    with pytest.raises(Exception, match=r"the file gives \(4, 1\)"):
        compare(lambda windows: module(windows)[:, :1], module, encoder, least_steps=2)
