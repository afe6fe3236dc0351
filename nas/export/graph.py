"""A saved encoder as one graph of tensors: windows in, features out, nothing else needed."""

import contextlib
import logging
import warnings
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from encoders.encoder import Encoder
from nas.errors import ExportError, OptionError
from nas.saved.encoder import SavedEncoder

_TRACED_BATCH = 3


class WindowEncoder(nn.Module):
    """Scales windows, encodes them, and puts the representations of all streams side by side.

    Args:
        saved: The encoder, in evaluation mode.
        scale: Mean and deviation of each variate, (variates,) each; None where windows come scaled.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, saved: SavedEncoder, *, scale: tuple[NDArray[np.float64], NDArray[np.float64]] | None) -> None:
        super().__init__()
        self.encoder = saved.encoder
        self.requires_grad_(False)
        self.scales = scale is not None
        if scale is not None:
            rest = len(saved.variates) - len(scale[0])  # what protocols add behind the data's own comes scaled
            self.register_buffer("mean", torch.as_tensor(np.pad(scale[0], (0, rest))))
            self.register_buffer("deviation", torch.as_tensor(np.pad(scale[1], (0, rest), constant_values=1.0)))

    def forward(self, windows: Tensor) -> Tensor:
        """Return features, (batch, features), of windows (batch, time, variates); NaN is missing."""
        if self.scales:  # as elsewhere: in double precision, then rounded
            windows = ((windows.double() - self.mean) / self.deviation).float()
        return self.encoder.represent(windows).flatten(1)


def scale_of(saved: SavedEncoder, *, series: str | None) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return the mean and deviation that windows are scaled by, (variates,) each; None where each series has its own.

    Args:
        saved: The encoder.
        series: Id of the training series whose scale it is; None where there is one scale for all.

    Raises:
        OptionError: If training knew no such series.
    """
    names, scaler = saved.identity.series, saved.scaler
    if series is not None and series not in names:
        known = f"it knew {', '.join(names[:6])}{', ...' if len(names) > 6 else ''}" if names else "its data has no ids"
        raise OptionError(f"series: training knew no {series!r}; {known}")
    if series is None and len(scaler.mean) > 1:
        return None
    row = 0 if series is None else names.index(series)
    return scaler.mean[row], scaler.deviation[row]


def program_of(saved: SavedEncoder, module: WindowEncoder, *, static_time: bool) -> ExportedProgram:
    """Return the graph of an encoder, for any number of windows and, unless `static_time`, of any length.

    Args:
        saved: The encoder.
        module: What it is in.
        static_time: Only windows as long as those of its training.

    Raises:
        ExportError: If one of its operators cannot be in a graph.
        OptionError: If one of them takes windows of one length only.
    """
    _check_operators(saved.encoder.members, static_time=static_time, window=saved.window)
    steps = saved.window if static_time else max(saved.window, 2 * _TRACED_BATCH)  # 1 stands for itself in a graph
    windows = torch.zeros(_TRACED_BATCH, steps, len(saved.variates))
    sizes = {0: Dim.DYNAMIC} if static_time else {0: Dim.DYNAMIC, 1: Dim.DYNAMIC}
    with quietly(), torch.no_grad():
        try:
            return torch.export.export(
                module, (windows,), dynamic_shapes=(sizes,), prefer_deferred_runtime_asserts_over_guards=True
            )
        except Exception as error:  # torch raises whatever it likes
            raise refused(saved, error, what="a graph of tensors") from error


def least_steps(program: ExportedProgram, *, static_time: bool) -> int | None:
    """Return the length of the shortest windows that a graph takes; None where all have one length."""
    if static_time:
        return None
    (windows,) = [node for node in program.graph.nodes if node.name == program.graph_signature.user_inputs[0]]
    length = windows.meta["val"].shape[1].node.expr
    return int(program.range_constraints[length].lower)


def refused(saved: SavedEncoder, error: Exception, *, what: str) -> ExportError:
    """Return the error about an encoder that torch cannot make something of."""
    cells = [member.cell for member in saved.encoder.members]
    parts = dict.fromkeys([*(name for cell in cells for _, name in cell.edges), *(cell.readout for cell in cells)])
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return ExportError(f"torch can make no {what.removeprefix('a ')} of {', '.join(parts)}: {reason}")


def _check_operators(members: tuple[Encoder, ...], *, static_time: bool, window: int) -> None:
    lengths = {
        name: operator.graph
        for member in members
        for block in member.blocks
        for (_, name), operator in zip(member.cell.edges, block.operators, strict=True)  # type: ignore[arg-type]
    }
    never = [name for name, takes in lengths.items() if takes == "none"]
    if never:
        raise ExportError(
            f"the operator {never[0]} cannot be exported: what it does depends on the values in a window, "
            "which a graph of tensors does not know"
        )
    one = [name for name, takes in lengths.items() if takes == "one"]
    if one and not static_time:
        raise OptionError(
            f"the operator {one[0]} is exported for windows of one length only; --static-time does so, "
            f"for windows of {window} steps"
        )


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keep what exporters say of themselves off the screen."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
