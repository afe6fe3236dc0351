"""The kinds of tasks that have labels: everything that differs between them is a class of this table."""

from collections.abc import Mapping
from types import MappingProxyType

from nas.errors import OptionError
from nas.labels.classification import ClassSupervision
from nas.labels.forecasting import ForecastSupervision
from nas.labels.supervision import Supervision

SUPERVISIONS: Mapping[str, type[Supervision]] = MappingProxyType(
    {each.kind: each for each in (ForecastSupervision, ClassSupervision)}
)


def supervision_of(kind: str) -> type[Supervision]:
    """Return what supervises a kind of task.

    Raises:
        OptionError: If tasks of this kind have no labels to learn from.
    """
    if kind not in SUPERVISIONS:
        known = " or ".join(f"--task {name}" for name in SUPERVISIONS)
        raise OptionError(f"task: fine-tuning needs labels or targets, and {kind} has none; pass {known}")
    return SUPERVISIONS[kind]
