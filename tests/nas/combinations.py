"""Combinations of encoders of different kinds, as a search would hand them over, without training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from downstream.kinds import task_kind
from downstream.task import Task
from encoders.encoder import Encoder
from nas.representer import Representer
from nas.saved.encoder import combine_files, encoder_file, load_encoder
from nas.saved.predictor import save_predictor
from search_space.presets import preset

NAMES = ("minirocket", "hydra_spectral", "ts2vec", "patchtst")
"""A bank of kernels, an embedding in closed form, mixed and independent channels."""
WEIGHTS = (0.4, 0.3, 0.2, 0.1)


def member_file(task: Task, name: str, *, rng_seed: int = 0) -> bytes:
    """Return the file of a preset as it was drawn and fitted to windows of a task."""
    genotype = preset(name, kind=task.spec.kind)
    with torch.random.fork_rng():
        torch.manual_seed(rng_seed)
        encoder = Encoder(genotype.encoder, variates=task.n_variates)
    encoder.fit(torch.as_tensor(task.training_windows(limit=32).gather()))
    with torch.no_grad():
        for weight in encoder.parameters():  # as if it had learnt
            weight.mul_(1.1)
    return encoder_file(encoder.state_dict(), genotype=genotype, task=task, rng_seed=rng_seed)


def combination_file(task: Task, names: Sequence[str]) -> bytes:
    """Return the file of presets as one."""
    files = [member_file(task, name) for name in names]
    return combine_files(files, weights=WEIGHTS[: len(names)], iterations=[100] * len(names))


def write_run(folder: Path, task: Task, names: Sequence[str], *, predictor: bool = False) -> Path:
    """Write what a search hands over of a combination."""
    folder.mkdir(parents=True)
    (folder / "encoder.safetensors").write_bytes(combination_file(task, names))
    if predictor:
        represent = Representer(load_encoder(folder).encoder)
        fitted = task_kind(task.spec.kind).fit_predictor(task.without_test(), represent, rng_seed=0)
        save_predictor(folder / "predictor.safetensors", fitted, kind=task.spec.kind)
    return folder
