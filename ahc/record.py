"""One trial, as it is written down: what was trained, on what, and what came out."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

STATUSES = ("completed", "diverged", "out_of_memory", "timeout", "crashed", "invalid")
EVOLVED = "evolved"
"""The origin of a candidate that was bred of the best that its task had by then."""
ORIGINS = ("shared", "random", EVOLVED, "promising", "repeat", "search")

CurvePoint = tuple[int, float | None, float | None]


def now() -> str:
    """Return the present moment as ISO text in UTC, to the second."""
    return datetime.now(tz=UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class TrialRecord:
    """The facts of one trial; a failure is a record too, with its own status.

    Only validation values belong here. None stands for "not measured" or "not
    finite", so a NaN never reaches the disk.

    Args:
        genotype: The candidate in its canonical dict form.
        genotype_key: `Genotype.key` of the candidate.
        task_name: Name for readers; the hash is the identity.
        task_hash: `Task.hash`, over data and spec.
        family: Source of the data; the unit of every split over tasks.
        kind: forecasting, classification or anomaly.
        protocol: Name and version of the scoring protocol.
        metric: What `score` measures.
        higher_is_better: Direction of `score`.
        iterations: Fidelity: the training iterations that were asked for.
        rng_seed: Seed of the trial's random generators.
        status: One of `STATUSES`.
        curve: `(iteration, validation score, contrastive loss)` along training.
        score: Validation value of the last iteration, under protocol 1 the best along the curve; None if there is
            none, as where the trial diverged.
        best_iteration: Where the best value of the curve was found.
        untrained_score: Value of the same encoder at iteration 0.
        seconds: Wall time of the trial.
        n_parameters: Trainable parameters of the encoder.
        origin: Why the candidate was tried, one of `ORIGINS`.
        details: Anything else worth keeping; JSON values only.
        created: ISO time.
        code_version: Version of the software that ran the trial.

    Raises:
        ValueError: If status or origin is unknown, or a completed trial has no finite score.
    """

    genotype: Mapping[str, Any]
    genotype_key: str
    task_name: str
    task_hash: str
    family: str
    kind: str
    protocol: str
    metric: str
    higher_is_better: bool
    iterations: int
    rng_seed: int
    status: str = "completed"
    curve: tuple[CurvePoint, ...] = ()
    score: float | None = None
    best_iteration: int | None = None
    untrained_score: float | None = None
    seconds: float = 0.0
    n_parameters: int = 0
    origin: str = "search"
    details: Mapping[str, Any] = field(default_factory=dict)
    created: str = field(default_factory=now)
    code_version: str = ""

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f"TrialRecord.status must be one of {STATUSES}, got {self.status!r}")
        if self.origin not in ORIGINS:
            raise ValueError(f"TrialRecord.origin must be one of {ORIGINS}, got {self.origin!r}")
        for name in ("score", "untrained_score"):
            object.__setattr__(self, name, _finite(getattr(self, name)))
        points = tuple((int(at), _finite(score), _finite(loss)) for at, score, loss in self.curve)
        object.__setattr__(self, "curve", points)
        if self.status == "completed" and self.score is None:
            raise ValueError("TrialRecord.score must be finite when the status is 'completed', got none")

    @property
    def record_key(self) -> tuple[str, str, str, int, int]:
        """What makes a trial the same trial."""
        return (self.genotype_key, self.task_hash, self.protocol, self.iterations, self.rng_seed)

    @property
    def scores_the_last_point(self) -> bool:
        """Whether the score is that of the curve's last point, not of its best one: so since protocol 2."""
        version = self.protocol.rpartition("-")[2].partition(".")[0]
        return version != "1"

    @property
    def oriented_score(self) -> float:
        """The score with larger = better; NaN if there is none."""
        return _oriented(self.score, higher_is_better=self.higher_is_better)

    @property
    def oriented_untrained(self) -> float:
        """The score of the same encoder at iteration 0 with larger = better; NaN if there is none."""
        return _oriented(self.untrained_score, higher_is_better=self.higher_is_better)

    @property
    def is_final(self) -> bool:
        """Whether more iterations would change nothing."""
        return "final" in self.details

    @property
    def trained_gain(self) -> float:
        """How much better than its own untrained encoder: NaN if unknown, as where it was not trained and could be."""
        if not self.iterations:
            return 0.0 if self.is_final else math.nan
        return self.oriented_score - self.oriented_untrained


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _oriented(value: float | None, *, higher_is_better: bool) -> float:
    if value is None:
        return math.nan
    return value if higher_is_better else -value
