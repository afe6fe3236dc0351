"""The trackers of experiments that a run can be logged to; none is imported, or needed, before somebody asks for it."""

import os
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from nas.errors import OptionError

PROJECT = "ts-contrastive-nas"


class Tracker(Protocol):
    """A run of one tracker, which goes where that package's own settings say: its server, or offline."""

    def curve(self, trial: str, values: Mapping[str, float], *, iteration: int) -> None:
        """Log values of a trial at an iteration."""
        ...

    def scores(self, values: Mapping[str, float], *, step: int) -> None:
        """Log values of the run."""
        ...

    def files(self, paths: Sequence[Path]) -> None:
        """Log files."""
        ...

    def end(self, status: str) -> None:
        """End the run: `finished`, `interrupted` or `failed`."""
        ...


class Mlflow:
    """A run of MLflow, inside the caller's where there is one."""

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        self._mlflow = import_module("mlflow")
        self._mlflow.start_run(run_name=name, nested=self._mlflow.active_run() is not None)
        self._mlflow.log_params(dict(settings))

    def curve(self, trial: str, values: Mapping[str, float], *, iteration: int) -> None:
        """Log values of a trial at an iteration."""
        self.scores({f"{trial}/{name}": value for name, value in values.items()}, step=iteration)

    def scores(self, values: Mapping[str, float], *, step: int) -> None:
        """Log values of the run; MLflow's names hold few signs."""
        self._mlflow.log_metrics({re.sub(r"[^\w./ -]", " ", key): value for key, value in values.items()}, step=step)

    def files(self, paths: Sequence[Path]) -> None:
        """Log files as artifacts."""
        for path in paths:
            self._mlflow.log_artifact(str(path))

    def end(self, status: str) -> None:
        """End the run."""
        self._mlflow.end_run({"finished": "FINISHED", "interrupted": "KILLED"}.get(status, "FAILED"))


class Wandb:
    """A run of Weights & Biases."""

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        project = os.environ.get("WANDB_PROJECT", PROJECT)
        self._run = import_module("wandb").init(project=project, name=name, config=dict(settings))

    def curve(self, trial: str, values: Mapping[str, float], *, iteration: int) -> None:
        """Log values of a trial over an axis of its own, as trials run side by side."""
        self._run.define_metric(f"{trial}/*", step_metric=f"{trial}/iteration")
        self._run.log({f"{trial}/{name}": value for name, value in {**values, "iteration": iteration}.items()})

    def scores(self, values: Mapping[str, float], *, step: int) -> None:
        """Log values of the run."""
        self._run.log(dict(values))

    def files(self, paths: Sequence[Path]) -> None:
        """Log files as one artifact each."""
        for path in paths:
            self._run.log_artifact(str(path), name=f"{self._run.id}-{path.name}", type="result")

    def end(self, status: str) -> None:
        """End the run."""
        self._run.finish(exit_code=int(status != "finished"))


class Trackio:
    """A run of Trackio, which keeps no files."""

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        project = os.environ.get("TRACKIO_PROJECT", PROJECT)
        self._run = import_module("trackio").init(project=project, name=name, config=dict(settings))

    def curve(self, trial: str, values: Mapping[str, float], *, iteration: int) -> None:
        """Log values of a trial, its iteration beside them."""
        self._run.log({f"{trial}/{name}": value for name, value in {**values, "iteration": iteration}.items()})

    def scores(self, values: Mapping[str, float], *, step: int) -> None:
        """Log values of the run."""
        self._run.log(dict(values))

    def files(self, paths: Sequence[Path]) -> None:
        """Log nothing."""

    def end(self, status: str) -> None:
        """End the run."""
        self._run.finish()


_CLASSES: Mapping[str, type[Mlflow] | type[Wandb] | type[Trackio]] = {
    "mlflow": Mlflow,
    "wandb": Wandb,
    "trackio": Trackio,
}
TRACKERS = tuple(_CLASSES)


def check_trackers(names: Sequence[str]) -> None:
    """Check that trackers are installed, without importing them.

    Raises:
        OptionError: If one is not.
    """
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        verb = "are" if len(missing) > 1 else "is"
        raise OptionError(f"track: {', '.join(missing)} {verb} not installed; pip install {' '.join(missing)}")


def new_tracker(name: str, run: str, settings: Mapping[str, Any]) -> Tracker:
    """Begin a run of a tracker; whatever it raises is passed on."""
    return _CLASSES[name](run, settings)
