"""One line of a report: a method and its scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from downstream.scores import Scores

_PARTS = (("representation.", "representation alone"), ("ts2vec.", "TS2Vec's protocol"))


@dataclass(frozen=True)
class Row:
    """The scores of one method.

    Args:
        name: Of the method.
        scores: On the test part, or on validation where there is no test part.
        baseline: Whether it uses no encoder of ours.
    """

    name: str
    scores: Scores
    baseline: bool = False

    def flat(self) -> dict[str, object]:
        """Return the row as one line of a table."""
        return {"method": self.name, "metric": self.scores.metric, "value": self.scores.value, **self.scores.metrics}

    def to_json(self) -> dict[str, Any]:
        """Return the row as JSON values; `from_json` reads it."""
        return {"method": self.name, "baseline": self.baseline, **asdict(self.scores)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Row:
        """Return the row that `to_json` wrote."""
        scores = {name: value for name, value in content.items() if name not in ("method", "baseline")}
        return cls(content["method"], Scores(**scores), content["baseline"])

    def with_parts(self) -> list[Row]:
        """Return the row followed by what it holds under other rules: the representation alone, TS2Vec's protocol."""
        rows, scores = [self], self.scores
        for prefix, words in _PARTS:
            part = {
                name.removeprefix(prefix): value for name, value in scores.metrics.items() if name.startswith(prefix)
            }
            if scores.metric in part:
                value = part[scores.metric]
                rows.append(Row(f"{self.name}, {words}", replace(scores, value=value, metrics=part, settings={})))
        return rows
