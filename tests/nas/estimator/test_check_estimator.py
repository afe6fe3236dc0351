"""scikit-learn's own checks: each passes, or `docs/scikit-learn.md` says why not, and it says so of no other."""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any
from unittest import SkipTest

import pytest
import sklearn
from sklearn.base import clone
from sklearn.utils import estimator_checks

from downstream.data.raw import SeriesSet
from nas import ContrastiveNAS

PAGE = (Path(__file__).parents[3] / "docs" / "scikit-learn.md").read_text(encoding="utf-8")
KINDS = ("classification", "regression")
FURTHER = (
    "check_dataframe_column_names_consistency",
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_global_output_transform_pandas",
)


def table(*, kind: str) -> dict[str, tuple[str, str]]:
    """Return outcome and reason of each check on the page that is run for a kind."""
    rows = re.findall(r"^\| `(check_\w+)` \| (both|\w+) \| ([\w ]+) \| ?(.*?) ?\|$", PAGE, flags=re.MULTILINE)
    return {name: (outcome, why) for name, of, outcome, why in rows if of in ("both", kind)}


def outcomes(kind: str) -> dict[str, set[str]]:
    """Run every check on an estimator; return what came of each, by name."""
    estimator = ContrastiveNAS(kind, preset="dlinear", iterations=1, workers=1)
    found: dict[str, set[str]] = defaultdict(set)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for result in estimator_checks.check_estimator(estimator, on_fail=None, on_skip=None):
            found[result["check_name"]].add({"failed": "fails", "skipped": "not run"}.get(result["status"], "passes"))
        for name in FURTHER:
            found[name].add(_outcome(getattr(estimator_checks, name), clone(estimator)))
    return dict(found)


def _outcome(check: Any, estimator: ContrastiveNAS) -> str:
    try:
        check("ContrastiveNAS", estimator)
    except AssertionError:
        return "fails"
    except SkipTest:
        return "not run"
    return "passes"


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_page_tells_what_every_check_finds(kind: str, request: pytest.FixtureRequest) -> None:
    if kind == "regression" and not request.config.getoption("--every-check"):
        pytest.skip("most are those of classification: --every-check")
    listed, found = table(kind=kind), outcomes(kind)
    told = {name: {"does not apply": "fails"}.get(outcome, outcome) for name, (outcome, _) in listed.items()}
    both = told.keys() & found.keys()
    assert {name: found[name] for name in both} == {name: {told[name]} for name in both}
    if f"scikit-learn {'.'.join(sklearn.__version__.split('.')[:2])}" in PAGE:  # others have other checks
        assert told.keys() == found.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_what_does_not_pass_has_a_reason(kind: str) -> None:
    rows = table(kind=kind)
    assert {outcome for outcome, _ in rows.values()} <= {"passes", "fails", "does not apply", "not run"}
    assert all(bool(why) == (outcome != "passes") for outcome, why in rows.values())


class OneLength(ContrastiveNAS):
    """Refuses cases of another length than those of training, as scikit-learn's estimators do."""

    def _known(self, X: Any) -> SeriesSet:
        data, wanted = super()._known(X), self.n_features_in_
        if (steps := len(data.series[0].values)) != wanted:
            raise ValueError(f"X has {steps} features, but OneLength is expecting {wanted} features as input")
        return data


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_checks_that_ask_for_one_length_pass_otherwise(kind: str) -> None:
    estimator = OneLength(kind, preset="dlinear", iterations=1, workers=1)
    names = ["check_n_features_in_after_fitting", "check_transformer_general"]
    names += ["check_classifiers_train"] if kind == "classification" else []
    assert {table(kind=kind)[name][0] for name in names} == {"does not apply"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            getattr(estimator_checks, name)("OneLength", clone(estimator))
