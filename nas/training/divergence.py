"""What a candidate is when its numbers stop being finite."""


class DivergedError(FloatingPointError):
    """The contrastive loss or a representation is not finite any more."""
