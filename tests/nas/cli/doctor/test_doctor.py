"""`tscnas doctor` as a user meets it, and its checks of engines."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nas.cli import program as cli
from nas.cli.doctor import engines, verb
from nas.cli.doctor.check import FAIL, OK, WARN, Check
from nas.cli.doctor.engines import check_processes, check_ray
from nas.engines.job import Result


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.setattr(engines, "version_of", lambda name: "2.60.0")


def test_here_everything_is_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    levels = {check["name"]: check["level"] for check in found["checks"]}
    assert found["level"] in (OK, WARN) and levels["worker processes"] == levels["torch"] == OK
    assert {"python", "cores", "threads", "memory", "disk", "gpu", "shadowed packages", "ray cluster"} <= set(levels)
    assert all(check["advice"] for check in found["checks"] if check["level"] != OK)


@pytest.mark.parametrize(("level", "status"), [(OK, 0), (WARN, 0), (FAIL, 3)])
def test_only_a_failure_changes_the_exit_status(
    level: str, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(verb, "check_machine", lambda: [Check("gpu", level, "odd\x1b[31m\n", "help" * (level != OK))])
    monkeypatch.setattr(verb, "check_engines", list)
    monkeypatch.setattr(verb, "check_versions", list)
    assert cli.main(["doctor"]) == status
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"{level:<4}  gpu                odd\\x1b[31m\\n" + (" -> help" if level != OK else "")
    assert len(lines) == 3 and lines[2].startswith("2 checks: ") and lines[2].endswith(level)


def test_a_worker_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    died = Result("doctor", "crashed", None, "the process died", 0.1)
    monkeypatch.setattr(engines, "run_candidates", lambda jobs, **limits: iter([died]))
    check = check_processes()
    assert check.level == FAIL and "the process died" in check.text and "--engine serial" in check.advice


@pytest.fixture
def listening() -> Iterator[str]:
    """Yield the address of something that answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_a_cluster_is_asked_and_never_started(listening: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (check_ray().level, "none is known" in check_ray().text) == (OK, True)
    for address in (listening, f"ray://{listening}"):
        monkeypatch.setenv("RAY_ADDRESS", address)
        assert (check_ray().level, check_ray().text) == (OK, f"{address} answers; --engine ray joins it")
    for address in ("127.0.0.1:1", "nonsense", "127.0.0.1:99999999", "auto"):
        monkeypatch.setenv("RAY_ADDRESS", address)
        assert check_ray().level == FAIL and check_ray().advice, address
    monkeypatch.setenv("RAY_ADDRESS", "local")
    assert check_ray().level == OK
    monkeypatch.delenv("RAY_ADDRESS")
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text("127.0.0.1:1\n")
    assert (check_ray().level, "has ended" in check_ray().text) == (OK, True)
    (tmp_path / "ray" / "ray_current_cluster").write_text(listening)
    assert "joins it" in check_ray().text
    monkeypatch.setattr(engines, "version_of", lambda name: None)
    assert (check_ray().level, "not installed" in check_ray().text) == (OK, True)


def test_a_name_server_that_is_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(engines, "LONGEST_ANSWER", 0.2)
    monkeypatch.setattr(engines, "answers", lambda address: released.wait(30.0))
    monkeypatch.setenv("RAY_ADDRESS", "far.away:6379")
    began = time.monotonic()
    assert check_ray().level == FAIL and time.monotonic() - began < 5.0
    released.set()
