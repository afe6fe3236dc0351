"""A rehearsal of the verification: the same work on stand-in rows, to know its time while the test part is sealed."""

import time

import torch

from downstream import evaluation
from downstream.task import Task
from encoders.encoder import Encoder
from nas.representer import Representer
from search_space.genotype import Genotype


def rehearse(task: Task, sizes: tuple[int, ...], genotype: Genotype, device: str) -> float:
    """Score an untrained encoder on a stand-in of the test part and return the seconds that took (in a worker).

    Args:
        task: Without its test part.
        sizes: Of the test part, `task.sealed.sizes`.
        genotype: Whose encoder is scored.
        device: Where it runs.
    """
    opened = task.stand_in(sizes)
    encoder = Encoder(genotype.encoder, variates=task.n_variates).to(torch.device(device))
    began = time.perf_counter()
    evaluation.score_test(task, opened, Representer(encoder, device=device))
    return time.perf_counter() - began


def rehearse_baselines(task: Task, sizes: tuple[int, ...]) -> float:
    """Score the plain baselines on a stand-in of the test part and return the seconds that took (in a worker)."""
    opened = task.stand_in(sizes)
    began = time.perf_counter()
    evaluation.baselines(task, opened)
    return time.perf_counter() - began
