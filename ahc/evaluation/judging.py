"""One held-out task: who ranks its candidates, and how well."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ahc.comparator import Comparator, TaskView
from ahc.evaluation import rank_metrics
from ahc.evaluation.rank_metrics import N_GAPS, Values
from ahc.evaluation.rivals import Asked, Known, Ranker, Rival, task_coordinates
from ahc.graphs.encoding import encode_genotypes
from ahc.posterior import posterior
from ahc.task_embedding import default_weights
from ahc.training.comparators import landmarks_of, told_by_landmarks
from ahc.training.comparisons import TaskTable, robust_deviation
from search_space.genotype import Genotype

ZERO_SHOT, LANDMARKS, OWN, GAIN = "zero-shot", "task's landmarks", "own untrained score", "gain of training"
QUESTIONS: Mapping[str, str] = {
    ZERO_SHOT: "Nothing was run on the task",
    LANDMARKS: "The fixed probes were run on the task",
    OWN: "Each candidate's untrained encoder was probed on the task: who is best after training",
    GAIN: "Each candidate's untrained encoder was probed on the task: whom training helps most",
}
GAPS = tuple(f"accuracy_gap_{quarter + 1}" for quarter in range(N_GAPS))
_FEWEST_REPEATS = 5
_DRAWS = 50
FEWEST_CANDIDATES = 8


@dataclass(frozen=True)
class Part:
    """The families that stay behind while others are held out, and what learned from them."""

    known: Sequence[TaskTable]
    embeddings: Mapping[str, NDArray[np.float32]]
    genotypes: Mapping[str, Genotype]
    flat: Mapping[str, Values]
    comparators: Mapping[str, Comparator]
    feature_weights: NDArray[np.float32] | None
    rng_seed: int

    def taught(self, rivals: Mapping[str, Rival], *, landmarks: bool) -> dict[str, Ranker]:
        """Return what each rival has become."""
        known = Known(self.known, self.placed(self.known, landmarks=landmarks), self.flat, self.rng_seed)
        return {name: rival(known) for name, rival in rivals.items()}

    def placed(self, tables: Sequence[TaskTable], *, landmarks: bool) -> Values:
        """Return where tasks lie for rivals: axes of their embeddings, and their landmarks, (tasks, axes)."""
        stacked = np.stack([self.embeddings[task.task_hash] for task in (*self.known, *tables)]).astype(np.float64)
        weights = default_weights(stacked.shape[1]) if self.feature_weights is None else self.feature_weights
        placed = task_coordinates(stacked, n_known=len(self.known), weights=weights.astype(np.float64))
        placed /= np.maximum(placed[: len(self.known)].std(axis=0), 1e-9)
        placed = placed[len(self.known) :]
        return np.hstack([placed, self.landmarks(tables)]) if landmarks else placed

    def landmarks(self, tables: Sequence[TaskTable]) -> Values:
        """Return the landmark vectors of tasks, (tasks, landmarks)."""
        return np.stack([landmarks_of(table, self.genotypes) for table in tables]).astype(np.float64)


@dataclass(frozen=True)
class Judged:
    """One held-out task."""

    table: TaskTable
    part: Part

    def ranked(self, rankers: Mapping[str, Ranker], *, landmarks: bool) -> list[dict[str, Any]]:
        """Return the rows of what is ranked before any candidate was probed; those of fixed probes are left out."""
        table, question = self.table, LANDMARKS if landmarks else ZERO_SHOT
        told = told_by_landmarks(table, self.part.genotypes)
        chosen = np.array([key not in told for key in table.keys])
        keys = [key for key in table.keys if key not in told]
        if len(keys) < FEWEST_CANDIDATES:
            return []
        asked = Asked(keys, self.part.placed([table], landmarks=landmarks)[0])
        predictions = {name: rank(asked) for name, rank in rankers.items()}
        for name, comparator in self.part.comparators.items():
            predictions[name] = np.add(*self._says(comparator, keys, landmarks=landmarks))
        if not landmarks:
            blind = self._says(self.part.comparators["comparator"], keys, landmarks=False, blind=True)
            predictions["comparator_task_blind"] = np.add(*blind)
        scores = table.scores[chosen]
        return self._rows(question, scores, predictions) + self._ceilings(question, scores, table.repeat_scores)

    def trained(self, rankers: Mapping[str, Ranker]) -> list[dict[str, Any]]:
        """Return the rows of what is ranked when every candidate was probed, of those that were trained."""
        table = self.table
        known = (table.iterations > 0) & np.isfinite(table.gains)
        keys = [key for key, is_known in zip(table.keys, known.tolist(), strict=True) if is_known]
        if len(keys) < FEWEST_CANDIDATES:
            return []
        untrained = table.standardised(table.untrained)[known]
        asked = Asked(keys, self.part.placed([table], landmarks=True)[0], untrained)
        gains = {name: rank(asked) for name, rank in rankers.items()}
        for name, comparator in self.part.comparators.items():
            first, gain = self._says(comparator, keys, landmarks=True)
            noise = np.full(len(keys), table.noise_sd / table.scale[1])
            belief = posterior([[(0.0, at)] for at in untrained], noise=noise, prior=first - first.mean(), gains=gain)
            gains[name] = belief.mean - untrained
        scores, real = table.scores[known], table.gains[known]
        rows = self._rows(OWN, scores, {name: untrained + gain for name, gain in gains.items()})
        foreseen = gains | {"untrained_score": -untrained}  # who scores low untrained has most to gain
        rows += self._rows(GAIN, real, foreseen)
        rows += self._ceilings(OWN, scores, table.repeat_scores)
        return rows + self._ceilings(GAIN, real, table.repeat_gains)

    def _says(
        self, comparator: Comparator, keys: Sequence[str], *, landmarks: bool, blind: bool = False
    ) -> tuple[Values, Values]:
        """Return untrained scores and gains."""
        vector = landmarks_of(self.table, self.part.genotypes) if landmarks else None
        view = TaskView(self.part.embeddings[self.table.task_hash], vector, blind=blind)
        graphs = encode_genotypes([self.part.genotypes[key] for key in keys], vocabulary=comparator.vocabulary)
        said = comparator.predict(graphs, task=view)
        return said.untrained.double().numpy(), said.gain.double().numpy()

    def _rows(self, question: str, scores: Values, predictions: Mapping[str, Values]) -> list[dict[str, Any]]:
        rows = []
        for subset, chosen in {"all": np.arange(len(scores)), "top": _best_quarter(scores)}.items():
            of_subset = {ranker: predicted[chosen] for ranker, predicted in predictions.items()}
            for ranker, predicted in {**of_subset, "random": None}.items():
                measures = measures_of(scores[chosen], predicted=predicted, unit=self.table.scale[1])
                rows.append({**self._facts, "question": question, "subset": subset, "ranker": ranker, **measures})
        return rows

    def _ceilings(self, question: str, scores: Values, repeats: Values) -> list[dict[str, Any]]:
        """Return what one trial of the repeated candidates says of another; nothing where they are too few.

        Of the best quarter too few were repeated: there it is what `other_trials` with noise of the same size say.
        """
        repeats = repeats[np.isfinite(repeats).all(axis=1)]
        if len(repeats) < _FEWEST_REPEATS:
            return []
        unit, (first, second), best = self.table.scale[1], repeats.T, _best_quarter(scores)
        again = other_trials(scores, noise=float(np.sqrt(np.mean((first - second) ** 2) / 2)))
        simulated = [measures_of(scores[best], predicted=trial[best], unit=unit) for trial in again]
        ceilings = {
            "all": measures_of(second, predicted=first, unit=unit),
            "top": {name: float(np.mean([each[name] for each in simulated])) for name in simulated[0]},
        }
        facts = {**self._facts, "question": question, "ranker": "noise_ceiling"}
        return [{**facts, "subset": subset, **measures} for subset, measures in ceilings.items()]

    @property
    def _facts(self) -> dict[str, str]:
        return {"task": self.table.name, "family": self.table.family, "kind": self.table.kind}


def _best_quarter(scores: Values) -> NDArray[np.int64]:
    return np.argsort(-scores)[: -(-len(scores) // 4)]


def other_trials(scores: Values, *, noise: float) -> Values:
    """Draw what other trials of the same candidates might have scored, (_DRAWS, candidates).

    Args:
        scores: Of one trial of each candidate, (candidates,).
        noise: Standard deviation between trials of one candidate. Of the spread of the scores it has a share, by which
            the best were lucky.
    """
    spread, centre = robust_deviation(scores), float(np.median(scores))
    signal = max(0.0, 1.0 - (noise / spread) ** 2)
    drawn = np.random.default_rng(0).standard_normal((_DRAWS, len(scores)))
    trials: Values = centre + signal * (scores - centre) + noise * np.sqrt(1.0 + signal) * drawn
    return trials


def measures_of(scores: Values, *, predicted: Values | None, unit: float) -> dict[str, float]:
    """Return all measures of a ranking; without a prediction, what is expected of a random one."""
    if predicted is None:
        first, fourth = (rank_metrics.expected_random_regret(scores, k=k) for k in (1, 4))
        tau, rho, accuracy, gaps = 0.0, 0.0, 0.5, np.full(N_GAPS, 0.5)
    else:
        first, fourth = (rank_metrics.regret(scores, predicted=predicted, k=k) for k in (1, 4))
        tau, rho = rank_metrics.kendall(scores, predicted=predicted), rank_metrics.spearman(scores, predicted=predicted)
        accuracy = rank_metrics.pairwise_accuracy(scores, predicted=predicted)
        gaps = rank_metrics.accuracy_by_gap(scores, predicted=predicted)
    return {
        "n_candidates": len(scores),
        "kendall": tau,
        "spearman": rho,
        "pairwise_accuracy": accuracy,
        "regret_1": first / unit,
        "regret_4": fourth / unit,
        "raw_regret_1": first,
        **dict(zip(GAPS, gaps.tolist(), strict=True)),
    }
