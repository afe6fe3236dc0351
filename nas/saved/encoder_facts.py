"""The facts beside the weights of a saved encoder: JSON values on the way out, checked on the way in."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from downstream.kinds import KINDS
from downstream.predictor import LONGEST_WINDOW
from downstream.scaling import Scaler
from downstream.task import Identity, Task
from encoders.combined import MOST_MEMBERS
from nas.cost.members import Member
from nas.saved.tensor_file import checked_names
from nas.version import PROTOCOL_VERSION
from search_space.genotype import Genotype

SCHEMA, COMBINED = 1, 2
"""Of the file of a single encoder, and of several as one."""


def facts_of_task(task: Task) -> dict[str, Any]:
    """Return what a `SavedEncoder` says of the task that it was trained on, by field."""
    spec = task.spec
    return {
        "variates": task.variates,
        "window": spec.window,
        "kind": spec.kind,
        "task_name": spec.name,
        "scaler": task.scaler,
        "identity": task.identity,
        "question": task.question,
    }


def written(
    *,
    genotype: Genotype,
    variates: tuple[str, ...],
    window: int,
    kind: str,
    task_name: str,
    scaler: Scaler,
    rng_seed: int,
    identity: Identity,
    question: Mapping[str, Any],
    members: tuple[Member, ...] = (),
) -> dict[str, Any]:
    """Return the fields of a `SavedEncoder` as JSON values; several members bring its genotype with theirs."""
    genotypes: dict[str, Any] = {"genotype": genotype.to_dict()}
    if len(members) > 1:
        genotypes = {"members": [{**vars(member), "genotype": member.genotype.to_dict()} for member in members]}
    return {
        "schema": COMBINED if len(members) > 1 else SCHEMA,
        "protocol_version": PROTOCOL_VERSION,
        "torch": torch.__version__,
        **genotypes,
        "variates": list(variates),
        "window": window,
        "kind": kind,
        "task": task_name,
        "scaler": {
            "mean": scaler.mean.tolist(),
            "deviation": scaler.deviation.tolist(),
            "n_rows_seen": scaler.n_rows_seen,
        },
        "rng_seed": rng_seed,
        "identity": identity.facts,
        "question": dict(question),
    }


def read(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a `SavedEncoder`, its encoder aside.

    Args:
        facts: As `written` gave them, of a known schema.

    Raises:
        KeyError: If one is missing.
        ValueError, TypeError: If one is wrong; `GenotypeError` if a genotype is.
    """
    members = _members(facts["members"]) if facts["schema"] == COMBINED else ()
    scaler = Scaler(
        mean=np.asarray(facts["scaler"]["mean"], dtype=np.float64),
        deviation=np.asarray(facts["scaler"]["deviation"], dtype=np.float64),
        n_rows_seen=int(facts["scaler"]["n_rows_seen"]),
    )
    _check(facts, scaler=scaler)
    return {
        "genotype": members[0].genotype if members else Genotype.from_dict(facts["genotype"]),
        "variates": checked_names(facts["variates"], what="variates"),
        "window": int(facts["window"]),
        "kind": facts["kind"],
        "task_name": facts["task"],
        "scaler": scaler,
        "rng_seed": int(facts["rng_seed"]),
        "identity": _identity(facts, scaler=scaler),
        "question": _question(dict(facts.get("question", {}))),
        "members": members,
    }


def _members(listed: object) -> tuple[Member, ...]:
    if not isinstance(listed, list) or not 2 <= len(listed) <= MOST_MEMBERS:
        raise ValueError(f"members must be a list of 2 to {MOST_MEMBERS}")
    return tuple(Member(Genotype.from_dict(each["genotype"]), each["weight"], each["iterations"]) for each in listed)


def _identity(facts: Mapping[str, Any], *, scaler: Scaler) -> Identity:
    identity = Identity.from_facts(dict(facts.get("identity", {})))
    if identity.series and len(identity.series) != len(scaler.mean):
        raise ValueError("there must be one series id per row of the scaler")
    return identity


def _question(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was asked, checked: forecast lengths, and the number of targets."""
    horizons = list(facts.get("horizons", []))
    whole = [*horizons, *(value for name, value in facts.items() if name != "horizons")]
    if not facts.keys() <= {"horizons", "known_targets"} or not all(type(v) is int and v >= 1 for v in whole):
        raise ValueError("question must hold horizons and known_targets, whole numbers")
    return {**facts, **({"horizons": tuple(horizons)} if horizons else {})}


def _check(facts: Mapping[str, Any], *, scaler: Scaler) -> None:
    whole = {name: facts[name] for name in ("window", "rng_seed")}
    if not all(isinstance(value, int) and 0 <= value < 2**63 for value in whole.values()):
        raise ValueError("window and rng_seed must be whole numbers")
    if not 1 <= facts["window"] <= LONGEST_WINDOW:
        raise ValueError(f"window must be in 1..{LONGEST_WINDOW}")
    if facts["kind"] not in KINDS or not isinstance(facts["task"], str):
        raise ValueError("kind and task must name a kind of task and a task")
    mean, deviation = scaler.mean, scaler.deviation
    if mean.ndim != 2 or mean.shape != deviation.shape or not np.isfinite(mean).all():
        raise ValueError("mean and deviation must be finite numbers per series and variate")
    if not np.isfinite(deviation).all() or not (deviation > 0).all():
        raise ValueError("deviation must be greater than 0")
