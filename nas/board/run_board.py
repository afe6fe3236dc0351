"""What a run did, written as TensorBoard reads it: curves and hyperparameters of its trials, a map of its encoder.

Lay-out below the folder `tensorboard` of a run:

    trials/<key>-<iterations>-<rng_seed>/    a run for TensorBoard: `validation/<metric>` and `loss` along training, and
                                             for the table of hyperparameters the genes and `best/<metric>`
    embedding.tsv, metadata.tsv, projector_config.pbtxt    see `projector`
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ahc.record import CurvePoint as Point
from ahc.record import TrialRecord
from downstream.task import Task
from nas.board.projector import write_projection
from nas.errors import OptionError
from nas.runs.board_files import MISSING, RUNNING, folder_of
from search_space.genotype import Choice


class RunBoard:
    """Hears of the trials of a run and writes a folder for each, point by point as the trial reaches them.

    A folder holds the file `running` until its trial has ended; one that a kill left is written anew.

    Args:
        run: The run's folder.

    Raises:
        OptionError: If TensorBoard is not installed, or does not work.
    """

    def __init__(self, run: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise OptionError(f"{MISSING} ({error})") from error
        self._writer = SummaryWriter
        self._run = run
        self._open: dict[str, Any] = {}

    def point(self, trial: str, point: Point, *, metric: str) -> None:
        """Write a point of a trial that runs, unless it has ended before."""
        if trial not in self._open:
            if self._is_complete(trial):
                return
            place = self._place(trial)
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            (place / RUNNING).touch()
            self._open[trial] = self._writer(log_dir=str(place))
        iteration, score, loss = point
        writer = self._open[trial]
        if score is not None:
            writer.add_scalar(f"validation/{metric}", score, iteration)
        if loss is not None:
            writer.add_scalar("loss", loss, iteration)
        writer.flush()

    def trial(self, record: TrialRecord) -> None:
        """Write how a trial ended, and its points where they have not been heard of."""
        name = _name(record)
        if name not in self._open:
            for point in record.curve:
                self.point(name, point, metric=record.metric)
        writer = self._open.pop(name, None)
        if writer is None:  # it has no points, or all is written already
            return
        best = {} if record.score is None else {f"best/{record.metric}": record.score}
        writer.add_hparams(hyperparameters(record), best, run_name=".")
        writer.close()
        (self._place(name) / RUNNING).unlink()

    def end(self, status: str) -> None:
        """Close what is open of trials that did not end."""
        while self._open:
            self._open.popitem()[1].close()

    def _place(self, trial: str) -> Path:
        return folder_of(self._run) / "trials" / trial

    def _is_complete(self, trial: str) -> bool:
        place = self._place(trial)
        return place.exists() and not (place / RUNNING).exists()

    def finish(self, task: Task, records: Sequence[TrialRecord], *, trials: Path, encoder: Path, device: str) -> None:
        """Write what is still missing: trials from before a kill, or from before anybody asked, and the map.

        Args:
            task: What the run is about.
            records: Trials on the task; those of other runs are left out.
            trials: Folder of the weights of trials.
            encoder: File of the chosen encoder.
            device: Where it runs.
        """
        for record in records:
            if (trials / f"{_name(record)}.safetensors").is_file():
                self.trial(record)
        write_projection(self._run, encoder, task, device=device)


def _name(record: TrialRecord) -> str:
    """Return a trial's name within its run, also that of its weights."""
    return f"{record.genotype_key}-{record.iterations}-{record.rng_seed}"


def hyperparameters(record: TrialRecord) -> dict[str, float | str]:
    """Return the genes of a trial's candidate by name, and how it was trained; values are numbers or text."""
    genes: dict[str, float | str] = {}
    for cell, content in record.genotype.items():
        if isinstance(content, Mapping):
            genes |= {f"{cell}.{name}": _shown(value) for name, value in content.items()}
        elif cell != "schema":
            genes[cell] = _shown(content)
    return {**genes, "iterations": record.iterations, "rng_seed": record.rng_seed, "status": record.status}


def _shown(value: Any) -> float | str:
    """Return options as words, such as `crop(ratio=0.5) jitter(sigma=0.1)`, and other lists as JSON."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int() | float() | str():
            return value
        case [str(name), dict(parameters)]:
            return str(Choice(name, tuple(parameters.items())))
        case [] | [[str(), dict()], *_]:
            return " ".join(str(_shown(option)) for option in value) or "none"
    return json.dumps(value)
