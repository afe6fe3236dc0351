"""A classification task: cases and their class numbers."""

from dataclasses import dataclass

from downstream.cases.task import CaseTask, LabelledWindows
from downstream.classification.labels import ClassLabels
from downstream.windows import Windows


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ClassificationTask(CaseTask):
    """Cases whose labels are class numbers, int64.

    Args:
        class_labels: The classes by number, as they came.
        unwanted_probes: Names of probes with which no representation is scored on test.
    """

    class_labels: ClassLabels
    unwanted_probes: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names by number."""
        return self.class_labels.names

    def known_of(self, windows: Windows) -> tuple[str, list[str]]:
        """Return the class of each of some training windows."""
        return "class", [self.classes[number] for number in self.labels_of(windows)]

    def protocol_facts(self, opened: LabelledWindows) -> dict[str, str | int | float]:
        """Return the facts that belong beside every figure of this task."""
        return {**super().protocol_facts(opened), "n_classes": len(self.classes)}
