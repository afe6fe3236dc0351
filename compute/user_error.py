"""What is wrong in a way that the user can mend: the base of such errors in every package."""

from typing import ClassVar

USAGE, DATA, NOTHING_TRAINED, BUDGET, NOT_VERIFIED = 2, 3, 4, 5, 6
"""Exit statuses of commands; the table is in README.md."""


class UserError(Exception):
    """An error whose message is a clear sentence for whoever gave the command.

    Attributes:
        exit_status: What a command returns that ends with it.
        trial_status: How a trial is recorded that ends with it.
    """

    exit_status: ClassVar[int]
    trial_status: ClassVar[str] = "crashed"
