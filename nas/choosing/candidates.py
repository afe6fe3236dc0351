"""Candidates of a task: the one that the user named, and draws from what its space leaves. Nothing is trained."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from downstream.task import Task
from nas.choosing.genotype_file import read_genotype
from nas.cost.encoder_cost import read_features
from nas.errors import OptionError
from search_space.drawing import SamplingError, every_genotype, sample_columns
from search_space.genotype import Genotype
from search_space.genotype.requirements import unmet
from search_space.presets import preset
from search_space.space import Space, SpaceError, default_space

LISTED = 10_000
"""Spaces up to this size, or twice what is asked for, are listed: drawing would not find their last genotypes."""


def named_candidate(task: Task, *, preset_name: str | None = None, file: str | None = None) -> Genotype | None:
    """Return the one genotype that the user named by preset or file, taken as it is; None where there is none.

    Raises:
        OptionError: If the file is at fault, or the task has not what the genotype needs.
        GenotypeError: If what the file holds is no genotype.
    """
    if preset_name is not None:
        genotype = preset(preset_name, kind=task.spec.kind)
    elif file is not None:
        genotype = read_genotype(Path(file), what="--genotype")
    else:
        return None
    problems = unmet(genotype, **sizes(task))
    if problems:
        raise OptionError(f"{task.spec.name}: this genotype cannot be trained here: {'; '.join(problems)}")
    return genotype


def space_for(task: Task | None, space: Space | None = None) -> Space:
    """Return the part of a space whose windows a task leaves open; of no task, the one that all tasks have.

    The task's own window is 0; what names it would be the same candidate with another key.

    Args:
        task: The task, or None.
        space: The space; the default space if None.

    Raises:
        SpaceError: If the space has none of them.
    """
    space = space or default_space()
    drawn = {window for product in space.products for window in product["EncoderCell"]["window"]}
    known = {0} if task is None else {*task.lookbacks}
    kept = drawn & known or drawn & (set() if task is None else {task.spec.window})
    if not kept:
        raise SpaceError(f"EncoderCell.window: must hold one of {sorted(known)} for this task, got {sorted(drawn)}")
    return space if kept == drawn else space.restrict({"EncoderCell.window": kept})


def acceptable(task: Task, limit: Callable[[Genotype], bool] | None) -> Callable[[Genotype], bool] | None:
    """Return what a drawn candidate must pass: it is within the limit on its cost, and the task has what it needs.

    Of kinds whose probe fits a ridge on the products of all features none may be wider than `most_features`.
    """
    given, widest = sizes(task), task.kind.most_features
    if min(given["windows"], given["steps"]) > 1 and widest is None:  # enough for every option
        return limit

    def accepts(genotype: Genotype) -> bool:
        if widest is not None and read_features(genotype.encoder) > widest:
            return False
        return not unmet(genotype, **given) and (limit is None or limit(genotype))

    return accepts


def draw_candidates(
    n: int,
    rng: np.random.Generator,
    space: Space | None = None,
    *,
    accept: Callable[[Genotype], bool] | None = None,
) -> Sequence[Genotype]:
    """Draw genotypes with different keys; all acceptable ones where a space of few has no more.

    Args:
        n: How many.
        rng: Source of randomness.
        space: Where to draw from; the default space if None.
        accept: Says whether one may appear; None accepts all.

    Raises:
        SamplingError: If hardly anything is accepted.
    """
    space = space or default_space()
    total = space.canonical_size()["total"]
    if total > max(2 * n, LISTED):
        return sample_columns(n, rng, space, accept=accept)
    listed = [genotype for genotype in every_genotype(space) if accept is None or accept(genotype)]
    if n and not listed:
        raise SamplingError(f"space: none of its {total} genotypes keeps within what the task and the limits allow")
    if len(listed) <= n:
        return listed
    return [listed[at] for at in np.sort(rng.choice(len(listed), size=n, replace=False))]


def sizes(task: Task) -> dict[str, Any]:
    """Return what `requirements.unmet` asks of a task."""
    windows = task.training_windows()
    given = {"windows": len(windows), "steps": windows.length, "variates": task.n_variates}
    return {**given, "lookbacks": (*task.lookbacks, task.spec.window)}
