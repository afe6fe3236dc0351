"""What a window takes in an encoder that is not being trained."""

from __future__ import annotations

from dataclasses import replace

from nas.cost.encoder_cost import encoder_counts
from search_space.cells import EncoderCell

_TRACED_STEPS, _TRACED_STREAMS = 128, 8
_BUFFERS = 1.5  # of what a training step would keep of a block: buffers within operators, and the allocator's gaps
_INPUT_COPIES = 6  # of a window's own values: as gathered, normalised, and which of them are observed


def bytes_per_window(cell: EncoderCell, *, variates: int, steps: int) -> float:
    """Return about how much memory one window needs while it is represented, rather more than less.

    Measured on a small window, so that asking costs little memory itself: operators
    take memory in proportion to steps and streams. One block counts, as nothing of it
    is kept for the next but its output.

    Args:
        cell: The encoder's genes.
        variates: Variates of the window.
        steps: Its length.
    """
    few_steps = min(steps, _TRACED_STEPS)
    few = min(variates, _TRACED_STREAMS) if cell.channels == "independent" else variates
    kept = encoder_counts(replace(cell, blocks=1), windows=1, variates=few, steps=few_steps).kept_bytes
    scale = steps / few_steps * variates / few
    return _BUFFERS * kept * scale + 4.0 * _INPUT_COPIES * steps * variates
