"""Ray: which cluster is joined."""

from __future__ import annotations

from pathlib import Path

import pytest

from nas.engines import ray as ray_engine
from nas.option_fields import OptionError


def test_a_ray_cluster_that_is_gone_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text("127.0.0.1:9")
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert ray_engine._address() == "local"
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    with pytest.raises(OptionError, match=r"no Ray cluster answers at RAY_ADDRESS=127\.0\.0\.1:9"):
        ray_engine._address()
