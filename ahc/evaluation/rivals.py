"""What the comparator has to beat: simpler ways to rank candidates for a new task."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.preprocessing import StandardScaler

from ahc.training.comparisons import TaskTable

Values = NDArray[np.float64]
_AXES = 4


@dataclass(frozen=True)
class Known:
    """What a rival learns from.

    Args:
        tables: Of the training tasks.
        tasks: Where they lie, (tasks, axes).
        flat: Genotype key -> flat features, (features,).
        rng_seed: For rivals that draw.
    """

    tables: Sequence[TaskTable]
    tasks: Values
    flat: Mapping[str, Values]
    rng_seed: int

    @cached_property
    def rows(self) -> tuple[Values, Values, Values]:
        """Flat features, places of tasks and standardised scores of all trained candidates, one row each."""
        features = self.features([key for table in self.tables for key in table.keys])
        tasks = np.repeat(self.tasks, [len(table.keys) for table in self.tables], axis=0)
        return features, tasks, np.concatenate([table.standardised() for table in self.tables])

    @cached_property
    def gains(self) -> tuple[Values, Values]:
        """Inputs (features, places, standardised untrained score) and gains, where both are known."""
        features, tasks, _ = self.rows
        untrained = np.concatenate([table.standardised(table.untrained) for table in self.tables])
        gains = np.concatenate([table.standardised_gains() for table in self.tables])
        known = np.isfinite(gains) & np.isfinite(untrained)
        return np.hstack([features, tasks, untrained[:, None]])[known], gains[known]

    def features(self, keys: Sequence[str]) -> Values:
        """Return flat features, (keys, features)."""
        return np.stack([self.flat[key] for key in keys])


@dataclass(frozen=True)
class Asked:
    """What a rival is asked: to rank candidates for a task that is new.

    Args:
        keys: The candidates.
        task: Where the task lies, (axes,).
        untrained: Their standardised untrained scores, for rivals that predict gains, (candidates,).
    """

    keys: Sequence[str]
    task: Values
    untrained: Values | None = None

    @property
    def tasks(self) -> Values:
        """The place of each candidate's task, (candidates, axes)."""
        return np.repeat(self.task[None], len(self.keys), axis=0)


Ranker = Callable[[Asked], Values]
"""Says how good each candidate is, or what training adds to it, (candidates,)."""
Rival = Callable[[Known], Ranker]
"""Learns."""


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


def task_blind_average(known: Known) -> Ranker:
    """Mean standardised score over the training tasks; a task-blind ridge for candidates never seen."""
    seen: dict[str, list[float]] = defaultdict(list)
    for table in known.tables:
        for key, score in zip(table.keys, table.standardised(), strict=True):
            seen[key].append(float(score))
    guess = ridge_task_blind(known)

    def rank(asked: Asked) -> Values:
        pairs = zip(asked.keys, guess(asked), strict=True)
        return np.array([np.mean(seen[key]) if key in seen else value for key, value in pairs])

    return rank


def nearest_task(known: Known) -> Ranker:
    """Scores on the most similar training task; a ridge of that task for candidates it lacks."""

    def rank(asked: Asked) -> Values:
        table = known.tables[int(_distances(known, asked).argmin())]
        seen = dict(zip(table.keys, table.standardised(), strict=True))
        guess = _ridge(known.features(table.keys), table.standardised())(known.features(asked.keys))
        return np.array([seen.get(key, value) for key, value in zip(asked.keys, guess, strict=True)])

    return rank


def similar_tasks(known: Known) -> Ranker:
    """What a task-blind ridge expects, and what it was wrong by on other tasks, each weighted by its similarity.

    Similarity falls as a Gaussian whose width is the median distance to the eight nearest tasks.
    """
    features, _, target = known.rows
    guess = _ridge(features, target)
    errors = np.split(target - guess(features), np.cumsum([len(table.keys) for table in known.tables])[:-1])

    def rank(asked: Asked) -> Values:
        distance = _distances(known, asked)
        likeness = np.exp(-0.5 * distance / max(float(np.median(np.sort(distance)[:8])), 1e-12))
        total, weight = np.zeros((2, len(asked.keys)))
        places = {key: at for at, key in enumerate(asked.keys)}
        for table, own, alike in zip(known.tables, errors, likeness.tolist(), strict=True):
            shared = [(places[key], error) for key, error in zip(table.keys, own, strict=True) if key in places]
            for at, error in shared:
                total[at] += alike * error
                weight[at] += alike
        return np.asarray(guess(known.features(asked.keys)) + total / (weight + 0.5))

    return rank


def ridge_task_blind(known: Known) -> Ranker:
    """Ridge on flat features."""
    features, _, target = known.rows
    model = _ridge(features, target)
    return lambda asked: model(known.features(asked.keys))


def ridge_task_aware(known: Known) -> Ranker:
    """Ridge on flat features and their products with the task's place."""
    features, tasks, target = known.rows
    spread = np.maximum(known.tasks.std(axis=0), 1e-9)
    model = _ridge(_products(features, tasks / spread), target)
    return lambda asked: model(_products(known.features(asked.keys), asked.tasks / spread))


def boosted_trees(known: Known) -> Ranker:
    """Gradient-boosted trees on flat features and the task's place."""
    features, tasks, target = known.rows
    model = _trees(np.hstack([features, tasks]), target, rng_seed=known.rng_seed)
    return lambda asked: model(np.hstack([known.features(asked.keys), asked.tasks]))


def untrained_score(known: Known) -> Ranker:
    """The same gain for all: candidates stay in the order of their untrained scores."""
    del known
    return lambda asked: np.zeros(len(asked.keys))


def ridge_gain(known: Known) -> Ranker:
    """Ridge on flat features, the task's place and the untrained score."""
    model = _ridge(*known.gains)
    return lambda asked: model(_gain_inputs(known, asked))


def boosted_trees_gain(known: Known) -> Ranker:
    """Gradient-boosted trees on the same."""
    model = _trees(*known.gains, rng_seed=known.rng_seed)
    return lambda asked: model(_gain_inputs(known, asked))


RIVALS: Mapping[str, Rival] = {
    "task_blind_average": task_blind_average,
    "nearest_task": nearest_task,
    "similar_tasks": similar_tasks,
    "ridge_task_blind": ridge_task_blind,
    "ridge_task_aware": ridge_task_aware,
    "boosted_trees": boosted_trees,
}
GAIN_RIVALS: Mapping[str, Rival] = {
    "untrained_score": untrained_score,
    "ridge": ridge_gain,
    "boosted_trees": boosted_trees_gain,
}


def _distances(known: Known, asked: Asked) -> Values:
    return np.asarray(((known.tasks - asked.task) ** 2).sum(axis=1))


def _gain_inputs(known: Known, asked: Asked) -> Values:
    assert asked.untrained is not None
    return np.hstack([known.features(asked.keys), asked.tasks, asked.untrained[:, None]])


def _products(features: Values, tasks: Values) -> Values:
    scaled = [features, *(features * tasks[:, [axis]] for axis in range(tasks.shape[1]))]
    return np.hstack(scaled)


def _ridge(features: Values, target: Values) -> Callable[[Values], Values]:
    """Return a ridge's predictions; its penalty is chosen on a fifth of the rows, as there may be many."""
    scaler = StandardScaler().fit(features)
    rows = scaler.transform(features)
    gram, moment = rows.T @ rows, rows.T @ (target - target.mean())
    held_out = np.arange(len(rows)) % 5 == 0
    part, rest = rows[held_out], target[held_out] - target.mean()
    values, vectors = np.linalg.eigh(gram - part.T @ part)
    along = vectors.T @ (moment - part.T @ rest)
    errors = {
        alpha: float(((part @ (vectors @ (along / (np.maximum(values, 0.0) + alpha))) - rest) ** 2).mean())
        for alpha in np.logspace(0, 5, 11).tolist()
    }
    alpha = min(errors, key=lambda at: errors[at])
    weights = np.linalg.solve(gram + alpha * np.eye(len(gram)), moment)
    centre = float(target.mean())
    return lambda asked: np.asarray(scaler.transform(asked) @ weights + centre)


def _trees(inputs: Values, target: Values, *, rng_seed: int) -> Callable[[Values], Values]:
    model = HistGradientBoostingRegressor(max_iter=150, learning_rate=0.06, max_leaf_nodes=15, random_state=rng_seed)
    model.fit(inputs, target)
    return lambda asked: np.asarray(model.predict(asked))
