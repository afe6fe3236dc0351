"""What the comparator has to beat: simpler ways to rank candidates for a new task."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ahc.training.comparisons import TaskTable

Values = NDArray[np.float64]
_AXES = 4


@dataclass(frozen=True)
class Question:
    """What a rival may know when it ranks the candidates of a held-out task.

    Args:
        known: Tables of the training tasks.
        known_tasks: Their coordinates, (tasks, axes).
        task: Coordinates of the held-out task, (axes,).
        keys: The candidates to rank.
        flat: Genotype key -> flat features, (features,).
        rng_seed: For rivals that draw.
    """

    known: Sequence[TaskTable]
    known_tasks: Values
    task: Values
    keys: Sequence[str]
    flat: Mapping[str, Values]
    rng_seed: int

    @property
    def asked(self) -> Values:
        """Flat features of the candidates to rank, (candidates, features)."""
        return np.stack([self.flat[key] for key in self.keys])


Rival = Callable[[Question], Values]


def task_coordinates(embeddings: Values, *, n_known: int, weights: Values) -> Values:
    """Place tasks on the leading axes of the first `n_known`, which alone set scale and axes.

    Args:
        embeddings: Known tasks, then held-out ones, (tasks, features).
        n_known: How many are known.
        weights: Weight of each feature, (features,).

    Returns:
        Coordinates, (tasks, axes).
    """
    known = embeddings[:n_known]
    deviation = known.std(axis=0)
    scale = np.where(deviation > 1e-6, 1.0 / np.maximum(deviation, 1e-6), 0.0)
    standardised = (embeddings - known.mean(axis=0)) * scale * weights
    axes = np.linalg.svd(standardised[:n_known], full_matrices=False)[2][:_AXES]
    placed: Values = standardised @ axes.T
    return placed


def task_blind_average(question: Question) -> Values:
    """Mean standardised score over the training tasks; a task-blind ridge for candidates never seen."""
    seen: dict[str, list[float]] = defaultdict(list)
    for table in question.known:
        for key, score in zip(table.keys, table.standardised(), strict=True):
            seen[key].append(float(score))
    guess = ridge_task_blind(question)
    return np.array([np.mean(seen[key]) if key in seen else guess[at] for at, key in enumerate(question.keys)])


def nearest_task(question: Question) -> Values:
    """Scores on the most similar training task; a ridge of that task for candidates it lacks."""
    distance = ((question.known_tasks - question.task) ** 2).sum(axis=1)
    table = question.known[int(distance.argmin())]
    seen = dict(zip(table.keys, table.standardised(), strict=True))
    features = np.stack([question.flat[key] for key in table.keys])
    guess = _ridge(features, target=table.standardised(), asked=question.asked)
    return np.array([seen.get(key, guess[at]) for at, key in enumerate(question.keys)])


def ridge_task_blind(question: Question) -> Values:
    """Ridge on flat features."""
    features, _, target = _training_rows(question)
    return _ridge(features, target=target, asked=question.asked)


def ridge_task_aware(question: Question) -> Values:
    """Ridge on flat features and their products with the task's coordinates."""
    features, tasks, target = _training_rows(question)
    spread = np.maximum(question.known_tasks.std(axis=0), 1e-9)
    own = np.repeat((question.task / spread)[None], len(question.keys), axis=0)
    return _ridge(_products(features, tasks=tasks / spread), target=target, asked=_products(question.asked, tasks=own))


def boosted_trees(question: Question) -> Values:
    """Gradient-boosted trees on flat features and the task's coordinates."""
    features, tasks, target = _training_rows(question)
    model = HistGradientBoostingRegressor(
        max_iter=150, learning_rate=0.06, max_leaf_nodes=15, random_state=question.rng_seed
    )
    model.fit(np.hstack([features, tasks]), target)
    own = np.repeat(question.task[None], len(question.keys), axis=0)
    predicted: Values = model.predict(np.hstack([question.asked, own]))
    return predicted


RIVALS: Mapping[str, Rival] = {
    "task_blind_average": task_blind_average,
    "nearest_task": nearest_task,
    "ridge_task_blind": ridge_task_blind,
    "ridge_task_aware": ridge_task_aware,
    "boosted_trees": boosted_trees,
}


def _training_rows(question: Question) -> tuple[Values, Values, Values]:
    features = np.stack([question.flat[key] for table in question.known for key in table.keys])
    counts = [len(table.keys) for table in question.known]
    tasks = np.repeat(question.known_tasks, counts, axis=0)
    return features, tasks, np.concatenate([table.standardised() for table in question.known])


def _products(features: Values, *, tasks: Values) -> Values:
    scaled = [features, *(features * tasks[:, [axis]] for axis in range(tasks.shape[1]))]
    return np.hstack(scaled)


def _ridge(features: Values, *, target: Values, asked: Values) -> Values:
    model = make_pipeline(StandardScaler(), RidgeCV(alphas=np.logspace(0, 5, 11)))
    model.fit(features, target)
    predicted: Values = model.predict(asked)
    return predicted
