"""A node that leaves a Ray cluster: what ran there is run again elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

JOBS = """
import os, time

def stay(seconds, folder):
    import ray
    node = ray.get_runtime_context().get_node_id()
    open(os.path.join(folder, node), "a").close()
    time.sleep(seconds)
    return node
"""
SCRIPT = """
import os, sys, threading, time
import node_jobs, ray
from ray.cluster_utils import Cluster
from nas.engines import Job, run_candidates

folder = sys.argv[1]
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
leaving = cluster.add_node(num_cpus=1)
cluster.wait_for_nodes()
os.environ["RAY_ADDRESS"] = cluster.address

def leave():
    while len(os.listdir(folder)) < 2:
        time.sleep(0.05)
    time.sleep(0.3)
    cluster.remove_node(leaving, allow_graceful=False)

threading.Thread(target=leave, daemon=True).start()
jobs = [Job(str(at), node_jobs.stay, {"seconds": 2.0, "folder": folder}) for at in range(3)]
results = list(run_candidates(jobs, engine="ray", workers=2))
print(sorted((one.id, one.status, one.attempts) for one in results), len({one.value for one in results}), flush=True)
os._exit(0)  # the cluster's processes end with this one
"""


@pytest.mark.survive
def test_a_node_that_leaves(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    (tmp_path / "node_jobs.py").write_text(JOBS, encoding="utf-8")
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "nodes").mkdir()
    done = subprocess.run(
        [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "nodes")],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(__file__).resolve().parents[2]}"},
    )
    answer = done.stdout.strip().splitlines()[-1:]
    attempts = [f"('{at}', 'completed', {{}})" for at in range(3)]
    expected = {f"[{', '.join(one.format(2 if at == twice else 1) for at, one in enumerate(attempts))}] 1"
                for twice in range(3)}  # fmt: skip
    assert answer and answer[0] in expected, done.stdout + done.stderr[-3000:]
