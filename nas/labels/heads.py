"""Linear heads on pooled representations, and the file that keeps one."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from downstream.represent import MAX_FEATURES
from encoders.encoder import Encoder
from encoders.input_normalization import normalize_input
from nas.saved.encoder import SavedEncoderError, check_shapes, read_facts

SCHEMA = 1


class LinearHead(nn.Module):
    """Standardise representations by fixed numbers; what is computed from them is said by the subclasses.

    Args:
        mean: Subtracted from the features.
        deviation: Divides them.
        sizes: What the head was built from besides.
    """

    mean: Tensor
    deviation: Tensor
    kind: str

    def __init__(self, mean: Tensor, deviation: Tensor, **sizes: int) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.sizes = sizes

    @staticmethod
    def flatten(z: Tensor) -> Tensor:
        """Return the features that are standardised; the representations as they come, unless a subclass says else."""
        return z

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Return outputs.

        Args:
            x: Windows; (batch, time, variates).
            z: Their pooled representations; (batch, streams, features).
        """
        raise NotImplementedError(f"{type(self).__name__} must implement forward(x, z)")

    def standardized(self, z: Tensor) -> Tensor:
        """Return standardised features."""
        return (self.flatten(z) - self.mean) / self.deviation


class ClassHead(LinearHead):
    """Scores of classes from the streams side by side (from their mean where they are many, as the probes have it).

    Args:
        mean: (features,).
        deviation: (features,).
        classes: How many.
    """

    kind = "classification"

    def __init__(self, mean: Tensor, deviation: Tensor, *, classes: int) -> None:
        super().__init__(mean, deviation, classes=classes)
        self.linear = nn.Linear(len(mean), classes)

    @staticmethod
    def flatten(z: Tensor) -> Tensor:
        """Return (batch, streams * features), or (batch, features) where that would be too many."""
        return z.mean(dim=1) if z.shape[1] * z.shape[2] > MAX_FEATURES else z.flatten(1)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Return scores, (batch, classes)."""
        scores: Tensor = self.linear(self.standardized(z))
        return scores


class ForecastHead(LinearHead):
    """Forecasts from a linear map, some steps as changes from the last observed value.

    One map for all variates where each has a stream of its own, one per variate where all share one stream.

    Args:
        mean: (features,).
        deviation: (features,).
        targets: Variates that are forecast.
        horizon: Steps ahead.
        shared: 1 where variates share the map, else 0.

    Attributes:
        from_last: 1 at steps that are mapped as changes from the last value, else 0; (horizon,).
    """

    kind = "forecasting"
    from_last: Tensor

    def __init__(self, mean: Tensor, deviation: Tensor, *, targets: int, horizon: int, shared: int) -> None:
        super().__init__(mean, deviation, targets=targets, horizon=horizon, shared=shared)
        self.n_targets, self.horizon, self.shared = targets, horizon, bool(shared)
        self.linear = nn.Linear(len(mean), horizon if shared else targets * horizon)
        self.register_buffer("from_last", mean.new_zeros(horizon))

    @staticmethod
    def last_value(x: Tensor, n_targets: int) -> Tensor:
        """Return the last observed value of every target, 0 without any; (batch, targets, 1)."""
        return normalize_input(x[:, :, :n_targets], normalization="last").statistics

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Return forecasts in the unit of the windows, (batch, horizon, targets)."""
        z = self.standardized(z)
        mapped: Tensor
        if self.shared:
            mapped = self.linear(z[:, : self.n_targets])  # (batch, targets, horizon)
        else:
            mapped = self.linear(z[:, 0]).view(len(x), self.n_targets, self.horizon)
        return (mapped + self.from_last * self.last_value(x, self.n_targets)).transpose(1, 2)

    def take(self, other: ForecastHead, steps: slice) -> None:
        """Take over what another head of the same sizes does at some of the steps ahead."""
        self.from_last[steps] = other.from_last[steps]
        for mine, theirs in zip(self.linear.parameters(), other.linear.parameters(), strict=True):
            per_step = mine.data.view(-1, self.horizon, *mine.shape[1:])
            per_step[:, steps] = theirs.data.view_as(per_step)[:, steps]


class LabelledModel(nn.Module):
    """An encoder with a head: windows in, class scores or forecasts out.

    The encoder stays in evaluation mode: a head that was solved for may have
    large weights, which would turn the noise of dropout into errors.
    """

    def __init__(self, encoder: Encoder, head: LinearHead) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def train(self, mode: bool = True) -> LabelledModel:
        """Set the mode of the head; the encoder keeps its own."""
        super().train(mode)
        self.encoder.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Return the head's outputs for windows, NaN where a value is missing; (batch, time, variates)."""
        outputs: Tensor = self.head(x, self.encoder.represent(x))
        return outputs


_HEADS: dict[str, type[ClassHead] | type[ForecastHead]] = {head.kind: head for head in (ClassHead, ForecastHead)}


def save_head(path: Path, head: LinearHead, *, facts: dict[str, object]) -> None:
    """Write a head to one file, complete or not at all.

    Args:
        path: The file.
        head: Its numbers and sizes.
        facts: JSON values to keep beside it, such as the names of the classes.
    """
    content = json.dumps({"schema": SCHEMA, "kind": head.kind, "sizes": head.sizes, **facts})
    partial = path.with_name(f"{path.name}.partial")
    state = {name: value.detach().cpu().contiguous() for name, value in head.state_dict().items()}
    save_file(state, partial, {"facts": content})
    partial.replace(path)


def load_head(path: Path) -> tuple[LinearHead, dict[str, object]]:
    """Return the head that `save_head` wrote, in evaluation mode, and the facts beside it.

    Raises:
        SavedEncoderError: If the file is missing, is something else, or does not fit together.
    """
    try:
        facts, state = read_facts(path, what="head")
        schema, kind, sizes = facts.pop("schema"), facts.pop("kind"), facts.pop("sizes")
        if schema != SCHEMA:
            raise SavedEncoderError(f"{path}: schema {schema!r} is not known (known: {SCHEMA})")
        check_shapes(
            lambda: _HEADS[kind](torch.zeros(state["mean"].shape), torch.ones(state["mean"].shape), **sizes), state
        )
        head: LinearHead = _HEADS[kind](torch.zeros_like(state["mean"]), state["deviation"], **sizes)
        head.load_state_dict(state)
    except SavedEncoderError:
        raise
    except (KeyError, TypeError, RuntimeError, ValueError, OverflowError) as error:
        raise SavedEncoderError(f"{path}: not a saved head") from error
    return head.eval(), facts
