"""What a run is asked, and whether an earlier run in its folder was asked the same, less of it, or something else."""

import json
from collections.abc import Collection, Mapping
from typing import Any

# these decide how a run is carried out, not what it is to find; an effort stands for the settings that it gives
_NOT_ASKED = ("output", "overwrite", "quiet", "workers", "engine", "device", "dry_run", "time_limit", "time_budget",
              "memory_limit", "memory_budget", "gpu_share", "tensorboard", "effort", "report", "track")  # fmt: skip
GROWING = ("candidates", "landmarks", "top_k", "iterations", "members", "allow_baseline")
"""Settings of which a finished run may be given more: it goes on with all that it tried."""
DATA = ("task_hash", "names_hash")
_YOUNGER = ("lookbacks",)  # facts that follow from others; runs from before they were written down have them too


def question_of(config: Mapping[str, Any], *, beside: Collection[str] = ()) -> dict[str, Any]:
    """Return what a run with these options is asked, as JSON values.

    Args:
        config: The resolved options.
        beside: Options that are known by something else: how data is read, where the data's hash is there.
    """
    question = {name: value for name, value in config.items() if name not in (*_NOT_ASKED, *beside)}
    plain: dict[str, Any] = json.loads(json.dumps(question))
    return plain


def changed(before: Mapping[str, Any], question: Mapping[str, Any], *, beside: Collection[str] = ()) -> list[str]:
    """Return the names of what two questions differ in, sorted.

    An option that an earlier version did not have counts as not given, a switch as off.
    """
    names = {*before, *question} - {*_NOT_ASKED, *beside} - {name for name in _YOUNGER if name not in before}
    return sorted(name for name in names if (before.get(name) or None) != (question.get(name) or None))


def asks_for_more(before: Mapping[str, Any], question: Mapping[str, Any], names: Collection[str]) -> bool:
    """Return whether a question differs from one before only in asking for more of what may grow."""
    return all(
        name in GROWING
        and isinstance(old := before.get(name, False), int)
        and isinstance(new := question.get(name, False), int)
        and new > old
        for name in names
    )
