"""The signature that every operator shares."""

from typing import ClassVar, Literal

from torch import Tensor, nn

_LARGEST_DILATION_EXPONENT = 9
GraphLengths = Literal["any", "one", "none"]


class Operator(nn.Module):
    """A map of the latent sequence to one of the same shape.

    `span` tells padding from data: batches of unequal lengths are padded at the
    end, and a caller that passes `span` has set the latent to zero outside it.
    What an operator writes outside the span is ignored; what it computes inside
    must be what it computes for the series alone, without its padding.

    Args:
        hidden: Width of the latent at each step, >= 1.
        depth: Nodes between this operator and the input, >= 0; dilations grow with it.
        dropout: Probability of zeroing a value inside the operator, in [0, 1);
            operators whose source has no dropout ignore it.

    Raises:
        ValueError: If a size is out of its range.
    """

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__()
        problems = []
        if hidden < 1:
            problems.append(f"hidden must be >= 1, got {hidden}")
        if depth < 0:
            problems.append(f"depth must be >= 0, got {depth}")
        if not 0.0 <= dropout < 1.0:
            problems.append(f"dropout must be in [0, 1), got {dropout}")
        if problems:
            raise ValueError(f"{type(self).__name__}: {'; '.join(problems)}")
        self.hidden = hidden
        self.dropout = nn.Dropout(dropout)
        self.dilation: int = 2 ** min(depth, _LARGEST_DILATION_EXPONENT)

    grid: int = 1
    """An output of stride n is made of the input of stride gcd(n, grid) (`encoders.strides`)."""
    takes_strides: ClassVar[bool] = False
    """Whether `forward` takes `have` and `want`, the strides of its input and output."""

    graph: ClassVar[GraphLengths] = "any"
    """Windows of which lengths an exported graph of it takes: of any, of one that it is traced with, or of none."""
    compares: ClassVar[bool] = False
    """Whether it chooses by comparing values, so that rounding may change the choice."""

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Apply the operator.

        Args:
            x: Latent; (batch, streams, time, hidden).
            span: True from the first to the last observed step, or None when no
                window of the batch is padded; (batch, time).

        Returns:
            The new latent; (batch, streams, time, hidden).
        """
        raise NotImplementedError(f"{type(self).__name__} must implement forward(x, span)")


def within_span(x: Tensor, span: Tensor | None) -> Tensor:
    """Return the latent (batch, streams, time, hidden) with zeros outside the span (batch, time)."""
    if span is None:
        return x
    return x * span[:, None, :, None]
