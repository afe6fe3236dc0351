"""From labelled cases to a classification task."""

import warnings
from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from downstream.cases import reading
from downstream.cases.build import Labels, case_facts
from downstream.classification.labels import ClassLabels, checked_labels
from downstream.classification.task import ClassificationTask
from downstream.data.columns.labels import LABEL
from downstream.data.options import LoadOptions
from downstream.data.raw import CasePair, Source, Tables
from downstream.data.sources import infer_kind
from downstream.data.splitting import stratified_order
from downstream.errors import DataError, DataWarning


def claims(content: Source) -> bool:
    """Whether data is for classification: labelled cases, class folders, tables with test cases, labels beside."""
    if isinstance(content, Tables):
        table = content.tables[0]
        has_column = (table.form.label_column or LABEL) in table.frame.columns
        of_cases = content.test is not None or table.form.table == "cases"
        return bool(table.y is not None or content.labels or (of_cases and has_column))
    return isinstance(content, CasePair) or content.content.get("y") is not None


plain_series = reading.plain_series


def load(content: Source, *, stem: str, options: LoadOptions) -> ClassificationTask:
    """Return the task that labelled cases stand for; see `case_facts`.

    Raises:
        DataError: If there is one class, one case per class, or train and test do not fit together.
    """
    del stem
    data = reading.read_cases(content, options=options)
    if data.train.has_targets:
        raise DataError(
            f"{data.train.source}: its labels are numbers, not classes; load it with kind={infer_kind(data)!r}"
        )
    known = {id(part): checked_labels(part.labels, source=part.source) for part in data.parts}
    # Only a seed task may know classes that no training case has.
    asked = data.parts if options.pool_test else data.parts[:1]
    class_labels = ClassLabels.of([known[id(part)] for part in asked])
    labels = Labels(
        "stratified",
        len(class_labels),
        numbers=lambda part: class_labels.numbers(known[id(part)], source=part.source),
        order=stratified_order,
        check=partial(_check_classes, classes=class_labels.names),
    )
    hashed = {"classes": class_labels.names}
    facts = case_facts(data, kind="classification", labels=labels, options=options, hashed=hashed)
    return ClassificationTask(**facts, class_labels=class_labels)


def _check_classes(labels: NDArray[np.int64], *, source: str, classes: Sequence[str]) -> None:
    """Check that there are two classes, and two cases of one."""
    counts = np.bincount(labels, minlength=len(classes))
    present = counts[counts > 0]
    if len(present) < 2:
        raise DataError(f"{source}: all training cases have the same class; classification needs at least two")
    if present.max() == 1:
        raise DataError(
            f"{source}: every class has one training case only; validation needs at least two of some class"
        )
    single = [name for name, count in zip(classes, counts, strict=True) if count == 1]
    if single:
        warnings.warn(f"{source}: one training case only: class {', '.join(single)}", DataWarning, stacklevel=4)
