"""The options of the verbs that use a found encoder: `tscnas embed`, `evaluate` and `finetune`."""

from dataclasses import dataclass

from nas.errors import OptionError
from nas.export.formats import FORMATS
from nas.labels.modes import MODES, ModeName
from nas.labels.relatives.names import LOSSES, NAMES, REGULARIZERS, regularizer_and_weight
from nas.options.data import DataOptions, TaskOptions
from nas.options.fields import OptionSet, option
from nas.options.running import deterministic, memory_budget
from nas.options.texts import DATA, DEVICE, OVERWRITE, RNG_SEED, RUNS_ON, SVM

_ENCODER = "output folder of a search, or its encoder .safetensors file"
_MODE = "what follows the labels: a linear head alone, low-rank updates of the encoder, or all of its weights"


@dataclass(frozen=True)
class EmbedOptions(DataOptions):
    """Compute representations of a dataset with a trained encoder, per series or per time step."""

    encoder: str = option(path=True, positional=True, text=_ENCODER)
    data: str = option(path=True, positional=True, text=DATA)
    output: str = option(
        "embeddings.npz", path=True, text="file to write; its ending decides the format: .npz, .csv or .parquet"
    )
    level: str = option("series", text="one row per series, or one row per time step", choices=("series", "step"))
    device: str = option("auto", text=RUNS_ON)
    memory_budget: int | None = memory_budget()
    overwrite: bool = option(False, text=OVERWRITE)
    quiet: bool = option(False, text="show no progress, only the summary")

    def __post_init__(self) -> None:
        """Check the values."""
        super().__post_init__()
        if not self.output.endswith((".npz", ".csv", ".parquet")):
            raise OptionError(f"output: must end in .npz, .csv or .parquet, got {self.output!r}")


@dataclass(frozen=True)
class EvaluateOptions(TaskOptions):
    """Fit probes on a trained encoder and report what it is worth, beside the untrained encoder and plain baselines.

    With `baseline` a published forecaster is trained end to end instead; the data is then the only positional.
    """

    encoder: str | None = option(None, path=True, positional=True, text=f"{_ENCODER}; none with --baseline")
    data: str = option("", path=True, positional=True, text=DATA)
    baseline: str | None = option(
        None, text="train this published forecaster end to end, in place of an encoder", choices=NAMES
    )
    window: int | None = option(None, text="lookback of a --baseline in steps; by default from the data", least=2)
    iterations: int = option(1000, text="optimiser steps of a --baseline at most", least=1)
    loss: str | None = option(
        None,
        text="what a --baseline minimises: squared errors (mse), absolute ones (mae), or squared below 1 and absolute "
        "above (smooth_l1); by default mse",
        choices=LOSSES,
    )
    regularizer: str | None = option(
        None,
        text="what is added to the loss of a --baseline, as NAME or NAME=WEIGHT: "
        + "; ".join(f"{name} ({', '.join(owners)}; {usual:g})" for name, (owners, usual) in REGULARIZERS.items()),
    )
    output: str | None = option(None, path=True, text="JSON file for the scores; by default they are printed only")
    svm: bool = option(True, text=SVM)
    device: str = option("auto", text=RUNS_ON)
    memory_budget: int | None = memory_budget()
    deterministic: bool = deterministic()
    rng_seed: int = option(0, text=RNG_SEED, least=0)
    overwrite: bool = option(False, text=OVERWRITE)
    quiet: bool = option(False, text="show no progress, only the scores")

    def __post_init__(self) -> None:
        """Check the values; with a baseline, a single positional is the data."""
        super().__post_init__()
        if self.baseline is not None and self.encoder is not None and not self.data:
            object.__setattr__(self, "data", self.encoder)
            object.__setattr__(self, "encoder", None)
        missing = [
            name for name, value in (("ENCODER", self.encoder or self.baseline), ("DATA", self.data)) if not value
        ]
        if missing:
            raise OptionError(f"missing: {', '.join(missing)}")
        if self.baseline is not None and self.encoder is not None:
            raise OptionError("encoder and baseline: exactly one of them can be evaluated")
        if self.baseline is not None and self.task not in (None, "forecasting"):
            raise OptionError(f"baseline: {self.baseline} forecasts; it cannot be evaluated for {self.task}")
        if self.baseline is None and self.window is not None:
            raise OptionError("window: an encoder keeps the one it was trained with; only a --baseline can be told")
        if self.baseline is None and self.loss is not None:
            raise OptionError("loss: an encoder is not trained here; only a --baseline can be told")
        self._check_regularizer()

    def _check_regularizer(self) -> None:
        if self.regularizer is not None and self.baseline is None:
            raise OptionError("regularizer: an encoder is not trained here; only a --baseline can be told")
        try:
            _ = self.regularization
        except ValueError as error:
            raise OptionError(f"regularizer: {error}") from error

    @property
    def regularization(self) -> tuple[str, float] | None:
        """The regulariser of the baseline and its weight."""
        if self.regularizer is None or self.baseline is None:
            return None
        return regularizer_and_weight(self.regularizer, baseline=self.baseline)


@dataclass(frozen=True)
class ExportOptions(OptionSet):
    """Write a trained encoder as one file that needs nothing of this software: windows in, features out."""

    encoder: str = option(path=True, positional=True, text=_ENCODER)
    format: str = option(
        "onnx",
        text="what reads the file: onnxruntime and others (onnx; an extra), torch.jit.load in Python and C++ "
        "(torchscript), or torch.export.load (torch_export)",
        choices=tuple(FORMATS),
    )
    output: str | None = option(
        None, path=True, text="file to write; by default encoder with the ending .onnx, .pt or .pt2 of the format"
    )
    static_time: bool = option(
        False,
        text="let the file take only windows as long as those of training; recurrent operators need it, others take "
        "any length",
    )
    series: str | None = option(
        None,
        text="id of the training series whose mean and deviation the file scales by; needed only where training had "
        "several series, of which each has its own: without it, windows must come scaled",
    )
    overwrite: bool = option(False, text=OVERWRITE)

    def __post_init__(self) -> None:
        """Check the values, and that the packages of the format are there."""
        super().__post_init__()
        FORMATS[self.format].check_installed()


@dataclass(frozen=True)
class FinetuneOptions(TaskOptions):
    """Fine-tune a trained encoder with labels, save it with its head, and report what that is worth on test."""

    encoder: str = option(path=True, positional=True, text=_ENCODER)
    data: str = option(path=True, positional=True, text=DATA)
    mode: ModeName = option("lora", text=_MODE, choices=MODES)
    rank: int = option(8, text="rank of the low-rank updates (mode lora)", least=1)
    iterations: int = option(
        300, text="optimiser steps at most, per learning rate; fewer where nothing is gained any more", least=1
    )
    learning_rate: float | None = option(
        None, text="the largest of the steps, > 0; by default the better of two on what is held out", above=0
    )
    output: str = option("finetuned", path=True, text="folder for the encoder, its head and the scores")
    device: str = option("auto", text=DEVICE)
    deterministic: bool = deterministic()
    rng_seed: int = option(0, text=RNG_SEED, least=0)
    overwrite: bool = option(False, text=OVERWRITE)
    quiet: bool = option(False, text="show no progress, only the scores")
