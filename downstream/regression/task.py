"""A regression task: cases and their targets."""

from dataclasses import dataclass

from downstream.cases.task import CaseTask
from downstream.windows import Windows


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RegressionTask(CaseTask):
    """Cases whose labels are targets in their own unit, float64."""

    def known_of(self, windows: Windows) -> tuple[str, list[str]]:
        """Return the target of each of some training windows."""
        return "target", [f"{target:g}" for target in self.labels_of(windows)]
