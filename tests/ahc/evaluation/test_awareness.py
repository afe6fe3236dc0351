"""Whether a comparator's rankings differ between tasks, on comparators that are told to."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ahc.comparator import Comparator, ComparatorSettings, TaskView
from ahc.evaluation.awareness import awareness
from ahc.graphs.vocabulary import Vocabulary
from search_space.genotype import Genotype


def test_a_comparator_without_gates_ranks_all_tasks_alike(candidates: list[Genotype], vocabulary: Vocabulary) -> None:
    comparator = Comparator(vocabulary, settings=ComparatorSettings(task_features=3, members=1))
    for parameter in comparator.parameters():
        torch.nn.init.normal_(parameter, generator=torch.Generator().manual_seed(0))
    comparator.task_basis[:3, :3] = torch.eye(3)
    rng = np.random.default_rng(0)
    tasks = [
        TaskView(
            rng.normal(size=3).astype(np.float32), rng.normal(size=comparator.settings.landmarks).astype(np.float32)
        )
        for _ in range(4)
    ]
    aware = awareness(comparator, tasks, candidates)
    assert (aware["tau between tasks"] < 0.9).all() and (aware["pairs with another first place"] > 0).any()
    comparator.gates.copy_(torch.tensor([0.0, 1.0]))
    blind = awareness(comparator, tasks, candidates)
    assert blind["tau between tasks"].tolist()[0] == pytest.approx(1.0) and blind["first places"].tolist()[0] == 1
    assert blind.iloc[1].equals(aware.iloc[1])
    with pytest.raises(ValueError, match="at least 2 tasks"):
        awareness(comparator, tasks[:1], candidates)
