"""Whether a comparator ranks the same candidates differently for different tasks."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from ahc.comparator import Comparator, TaskView
from ahc.evaluation.rank_metrics import kendall
from ahc.graphs.encoding import encode_genotypes
from search_space.genotype import Genotype


def awareness(comparator: Comparator, tasks: Sequence[TaskView], candidates: Sequence[Genotype]) -> pd.DataFrame:
    """Return how alike the rankings of different tasks are: before landmarks are known, and after.

    Args:
        comparator: The comparator.
        tasks: At least two tasks with their landmarks.
        candidates: What is ranked, such as a thousand draws of the default space.

    Returns:
        One row per state of knowledge: gate, mean Kendall's tau between the rankings of two tasks, the share of pairs
        of tasks whose first places differ, and how many different first places there are.

    Raises:
        ValueError: If there are fewer than two tasks.
    """
    if len(tasks) < 2:
        raise ValueError(f"awareness: at least 2 tasks are needed, got {len(tasks)}")
    graphs = encode_genotypes(candidates, vocabulary=comparator.vocabulary, lacking=set())
    rows = []
    for known, words in enumerate(("without landmarks", "with landmarks")):
        views = [task if known else TaskView(task.embedding) for task in tasks]
        scores = [comparator.predict(graphs, task=view).score.double().numpy() for view in views]
        first = [int(np.argmax(each)) for each in scores]
        pairs = [*combinations(range(len(tasks)), 2)]
        taus = [kendall(scores[one], predicted=scores[other]) for one, other in pairs]
        rows.append(
            {
                "known": words,
                "gate": float(comparator.gates[known]),
                "tau between tasks": float(np.mean(taus)),
                "pairs with another first place": float(np.mean([first[one] != first[other] for one, other in pairs])),
                "first places": len(set(first)),
                "tasks": len(tasks),
            }
        )
    return pd.DataFrame(rows)
