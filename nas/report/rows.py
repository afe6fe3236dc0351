"""One line of a report: a method and its scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from downstream.scores import Scores

_OWN = ("baseline", "parameters", "multiply_adds")
_PARTS = (("representation.", "representation alone"), ("ts2vec.", "TS2Vec's protocol"))


@dataclass(frozen=True)
class Row:
    """The scores of one method.

    Args:
        name: Of the method.
        scores: On the test part, or on validation where there is no test part.
        baseline: Whether it uses no encoder of ours.
        parameters: Trainable numbers of the encoder; None where there is none.
        multiply_adds: Of representing one window; None where there is no encoder.
    """

    name: str
    scores: Scores
    baseline: bool = False
    parameters: int | None = None
    multiply_adds: int | None = None

    def flat(self) -> dict[str, object]:
        """Return the row as one line of a table."""
        low, high = self.scores.interval or (None, None)
        return {
            "method": self.name,
            "metric": self.scores.metric,
            "value": self.scores.value,
            "low": low,
            "high": high,
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
            **self.scores.metrics,
        }

    def to_json(self) -> dict[str, Any]:
        """Return the row as JSON values; `from_json` reads it."""
        own = {"method": self.name, **{name: getattr(self, name) for name in _OWN}}
        return {**own, **asdict(self.scores)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Row:
        """Return the row that `to_json` wrote, in this version or an earlier one."""
        own = {name: content[name] for name in _OWN if name in content}
        scores = {name: value for name, value in content.items() if name not in ("method", *_OWN)}
        interval = scores.get("interval")
        return cls(
            content["method"], Scores(**{**scores, "interval": None if interval is None else tuple(interval)}), **own
        )

    def with_parts(self) -> list[Row]:
        """Return the row followed by what it holds under other rules: the representation alone, TS2Vec's protocol."""
        rows, scores = [self], self.scores
        for prefix, words in _PARTS:
            part = {
                name.removeprefix(prefix): value for name, value in scores.metrics.items() if name.startswith(prefix)
            }
            if scores.metric in part:
                found = replace(scores, value=part[scores.metric], metrics=part, settings={})
                found = replace(found, interval=None, validation=None)
                rows.append(replace(self, name=f"{self.name}, {words}", scores=found))
        return rows
