"""Labels that are classes: scores from a linear head, cross entropy, logistic regression."""

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from downstream import metrics
from downstream.classification.task import ClassificationTask
from downstream.errors import DataError
from downstream.probes.linear import LOGISTIC_GRID, MAX_ITERATIONS, Standardizer
from downstream.probes.penalties import fit_best
from downstream.represent import MAX_FEATURES
from downstream.scores import Scores
from encoders.combined import AnyEncoder
from nas.labels.heads import LinearHead
from nas.labels.supervision import Floats, Predict, SolvedHead, Supervision, scales, strong_enough
from nas.representer import Representer

HELD_OUT_SHARE = 0.2
_NEVER = -1e4


class ClassHead(LinearHead):
    """Scores of classes from the streams side by side (from their mean where they are many, as the probes have it).

    Args:
        mean: (features,).
        deviation: (features,).
        classes: How many.
    """

    def __init__(self, mean: Tensor, deviation: Tensor, *, classes: int) -> None:
        super().__init__(mean, deviation, classes=classes)
        self.linear = nn.Linear(len(mean), classes)

    @staticmethod
    def flatten(z: Tensor) -> Tensor:
        """Return (batch, streams * features), or (batch, features) where that would be too many."""
        return z.mean(dim=1) if z.shape[1] * z.shape[2] > MAX_FEATURES else z.flatten(1)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Return scores, (batch, classes)."""
        scores: Tensor = self.linear(self.standardized(self.flatten(z)))
        return scores


class ClassSupervision(Supervision):
    """Training cases with their classes, a stratified share of them held out.

    A model's outputs are scores of the classes, (n, classes).

    Raises:
        DataError: If no class has two cases.
    """

    kind = "classification"
    head = ClassHead

    def __init__(self, task: ClassificationTask, *, rng_seed: int, device: torch.device) -> None:
        held_out = stratified_share(task.labels, share=HELD_OUT_SHARE, rng=np.random.default_rng(rng_seed))
        if not held_out.any():
            raise DataError(f"{task.spec.name}: every class has one training case, so none can be held out")
        self.device = device
        self.fitted = task.windows.subset(np.flatnonzero(~held_out))
        self.held_out = task.windows.subset(np.flatnonzero(held_out))
        self._task = task
        self._labels = torch.as_tensor(task.labels[~held_out], device=device)
        self._held_out_labels = torch.as_tensor(task.labels[held_out])

    def loss(self, outputs: Tensor, index: Tensor) -> Tensor:
        """Return the cross entropy, a scalar."""
        return F.cross_entropy(outputs, self._labels[index])

    def errors(self, outputs: Floats) -> tuple[float, ...]:
        """Return the share of wrong classes, then the cross entropy, which decides between equals."""
        scores = torch.as_tensor(outputs)
        wrong = (scores.argmax(dim=1) != self._held_out_labels).double().mean()
        return float(wrong), float(F.cross_entropy(scores, self._held_out_labels))

    def solve(self, encoder: AnyEncoder, *, least_penalty: float = 0.0) -> SolvedHead:
        """Fit a logistic regression, its C of `LOGISTIC_GRID`; of equals, the stronger penalty."""
        represent = Representer(encoder, device=self.device)
        x, z = self._held_out_inputs(represent)
        features = torch.as_tensor(represent(self.fitted))
        labels = self._labels.cpu().numpy()
        solved = []
        with torch.no_grad():
            for penalty in strong_enough(LOGISTIC_GRID, lambda c: 1.0 / c, least=least_penalty * len(labels)):
                head = self._logistic(features, labels, penalty=penalty)
                solved.append(SolvedHead(head, f"C {penalty:g}", self.errors(head(x, z).numpy()), penalty))
        best = min(solved, key=lambda candidate: candidate.errors)
        best.head.to(self.device)
        return best

    def handed_over(self, encoder: AnyEncoder, solved: SolvedHead) -> tuple[LinearHead, str]:
        """Fit a head of the chosen penalty to the cases that it was chosen on as well: the larger the better."""
        assert solved.penalty is not None, "a head of classes has a penalty"
        represent = Representer(encoder, device=self.device)
        z = torch.cat([torch.as_tensor(represent(windows)) for windows in (self.fitted, self.held_out)])
        labels = torch.cat([self._labels.cpu(), self._held_out_labels]).numpy()
        with torch.no_grad():
            head = self._logistic(z, labels, penalty=solved.penalty)
        return head.to(self.device), f"{solved.setting}, fitted to all training cases"

    def _logistic(self, z: Tensor, labels: NDArray[np.int64], *, penalty: float) -> ClassHead:
        """Return a logistic regression as a head; a class without a case is never its answer."""
        from sklearn.linear_model import LogisticRegression

        def new_model(c: float) -> LogisticRegression:
            return LogisticRegression(C=c, max_iter=MAX_ITERATIONS)

        features = ClassHead.flatten(z).numpy()
        standardize = Standardizer.fit(features)
        model = fit_best(new_model, standardize(features), labels, grid=(penalty,))
        weights, intercept = model.coef_, model.intercept_
        if len(model.classes_) == 2:
            weights, intercept = np.concatenate([-weights, weights]) / 2, np.concatenate([-intercept, intercept]) / 2
        head = ClassHead(*scales(standardize), classes=len(self._task.classes))
        known = torch.as_tensor(model.classes_)
        head.linear.weight.zero_()
        head.linear.bias.fill_(_NEVER)
        head.linear.weight[known] = torch.as_tensor(weights, dtype=torch.float32)
        head.linear.bias[known] = torch.as_tensor(intercept, dtype=torch.float32)
        return head.eval()

    def head_facts(self) -> dict[str, object]:
        """Return the names of the classes."""
        return {"classes": list(self._task.classes)}

    def held_out_score(self, error: float) -> float:
        """Return the accuracy."""
        return 1.0 - error

    def probe_metrics(self, probe: Scores) -> dict[str, float]:
        """Return the figures of the logistic regression; NaN where it came to no end."""
        return {name: probe.metrics.get(f"{name}/logistic", math.nan) for name in ("accuracy", "macro_f1", "auprc")}

    def metrics_on_test(self, predict: Predict, opened: Any) -> dict[str, float]:
        """Return accuracy, macro F1 and AUPRC."""
        scores, truth = predict(opened.windows), opened.labels
        predicted = scores.argmax(axis=1).astype(np.int64)
        return {
            "accuracy": metrics.accuracy(truth, predicted),
            "macro_f1": metrics.macro_f1(truth, predicted),
            "auprc": metrics.auprc(truth, scores),
        }


def stratified_share(labels: NDArray[np.int64], *, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which cases are held out: that share of every class, at least one but never its only case, (n,)."""
    held_out = np.zeros(len(labels), dtype=np.bool_)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        if len(members) > 1:
            held_out[members[: max(1, round(share * len(members)))]] = True
    return held_out
