"""What the readers raise and warn with: sentences about the user's data."""

from compute.user_error import DATA, UserError
from search_space.sentences import one_line


class DataError(UserError, ValueError):
    """The user's data is at fault; the message is one clear sentence that says where and why."""

    exit_status = DATA

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class DataWarning(UserWarning):
    """The data was read, but something in it was left out or is unusual."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))
