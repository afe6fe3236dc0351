"""Candidates that eat memory, hang, or die each time: a record each, and nothing else is touched."""

from __future__ import annotations

from typing import Any

import pytest

from ahc.bank import Bank
from search_space.presets import preset


@pytest.mark.survive
def test_each_has_its_status_and_the_others_their_scores(runs: Any, undisturbed: Any) -> None:
    keys = {what: preset(name, kind="classification").key
            for what, name in (("eat", "autocl_ggs"), ("hang", "notes_best"), ("die", "simclr"))}  # fmt: skip
    words = runs.words("seeds", "--memory-limit", "1GB", "--repeats", "0")
    rules = " ".join(f"{what}:{key}" for what, key in keys.items())
    status, err = runs.run(words, MISBEHAVE=rules, ENGINE_LIMIT="25")
    assert status == 0, err
    with Bank(runs.folder / "bank.sqlite", read_only=True) as bank:
        records = {one.genotype_key: one for one in bank.records(task_name="italy")}
    found = {what: records[key] for what, key in keys.items()}
    assert {what: one.status for what, one in found.items()} == {
        "eat": "out_of_memory", "hang": "timeout", "die": "crashed"}  # fmt: skip
    assert {what: one.details["attempts"] for what, one in found.items()} == {"eat": 1, "hang": 1, "die": 2}
    assert all(one.score is None and one.details["message"] for one in found.values())
    # the children of the best differ where some of these would have been among the best
    first = {key: value for key, value in runs.records().items() if value[-1] == "random"}
    assert first and first.items() <= undisturbed.records().items()
    assert {one.status for key, one in records.items() if key not in keys.values()} == {"completed"}
