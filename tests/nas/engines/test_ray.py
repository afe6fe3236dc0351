"""Ray: which cluster is joined."""

from __future__ import annotations

from pathlib import Path

import pytest

from nas.engines.available import ray as ray_engine
from nas.errors import OptionError


def test_a_ray_cluster_that_is_gone_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text("127.0.0.1:9")
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert ray_engine._address() == "local"
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    with pytest.raises(OptionError, match=r"no Ray cluster answers at RAY_ADDRESS=127\.0\.0\.1:9"):
        ray_engine._address()


def test_a_ray_cluster_that_lets_nobody_in_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray", reason="ray is an extra")

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("Failed to connect to GCS.\nauthentication token is missing")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", refuse)
    monkeypatch.setattr(ray_engine, "_address", lambda: "10.0.0.1:6379")
    with pytest.raises(OptionError, match=r"no connection to the Ray cluster 10\.0\.0\.1:6379 \(authentication token"):
        ray_engine.connect()
