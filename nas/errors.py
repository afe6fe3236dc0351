"""Errors of a whole command, beside those of the data and of the files it reads."""

from __future__ import annotations


class NothingTrainedError(RuntimeError):
    """Not one candidate could be trained; the message says why, for the most frequent reason first."""


class TimeBudgetError(RuntimeError):
    """Nothing could be trained in the time given; the message names the least time that makes sense."""


class NotVerifiedError(RuntimeError):
    """What was trained could not be scored on the test part; it is kept, and the same command tries that again."""


class OutputExistsError(FileExistsError):
    """An output exists already and the user did not ask to replace it."""


class InUseError(RuntimeError):
    """Another driver is at work on the same bank or folder; the message names its process and host."""


class NoRunError(ValueError):
    """A path that should lead to a run leads to something else, or nowhere."""


class OptionError(ValueError):
    """An option, or a combination of options, that cannot be used; all problems, one per line."""

    def __init__(self, message: str) -> None:
        from search_space.sentences import lines_of  # not needed before something is wrong

        super().__init__(lines_of(message))
