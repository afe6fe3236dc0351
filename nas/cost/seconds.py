"""Seconds per iteration from counts, through a small linear model."""

from dataclasses import dataclass

from nas.cost.counting import Counts


@dataclass(frozen=True)
class Speed:
    """How fast a machine is.

    Args:
        base: Seconds of an iteration that does nothing.
        per_multiply_add: Seconds.
        per_byte: Seconds per byte that kernels read and write.
        per_kernel: Seconds of starting a kernel; a recurrence starts some at every step.
    """

    base: float
    per_multiply_add: float
    per_byte: float
    per_kernel: float

    def seconds(self, counts: Counts) -> float:
        """Return the predicted seconds of an iteration."""
        return (
            self.base
            + self.per_multiply_add * counts.training_multiply_adds
            + self.per_byte * counts.moved_bytes
            + self.per_kernel * counts.kernels
        )


SHIPPED_SPEED = Speed(base=0.0, per_multiply_add=3.5e-11, per_byte=1.25e-10, per_kernel=5.8e-6)
"""Fitted to 17 genotypes of the full space on one thread of a server's CPU at work; see benchmarks/cost.py."""
