"""What the readers raise and warn with: sentences about the user's data."""

from __future__ import annotations


class DataError(ValueError):
    """The user's data is at fault; the message is one clear sentence that says where and why."""


class DataWarning(UserWarning):
    """The data was read, but something in it was left out or is unusual."""
