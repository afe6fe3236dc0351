"""A classification task: cases and their class numbers."""

from dataclasses import dataclass

from downstream.cases.task import CaseTask, LabelledWindows
from downstream.windows import Windows


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ClassificationTask(CaseTask):
    """Cases whose labels are class numbers, int64.

    Args:
        classes: Class names by number.
        unwanted_probes: Names of probes with which no representation is scored on test.
    """

    classes: tuple[str, ...]
    unwanted_probes: tuple[str, ...] = ()

    def known_of(self, windows: Windows) -> tuple[str, list[str]]:
        """Return the class of each of some training windows."""
        return "class", [self.classes[number] for number in self.labels_of(windows)]

    def protocol_facts(self, opened: LabelledWindows) -> dict[str, str | int | float]:
        """Return the facts that belong beside every figure of this task."""
        return {**super().protocol_facts(opened), "n_classes": len(self.classes)}
