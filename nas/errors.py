"""Errors of a whole command, beside those of the data and of the files it reads."""

from compute.user_error import BUDGET, DATA, NOT_VERIFIED, NOTHING_TRAINED, USAGE, UserError


class NothingTrainedError(UserError, RuntimeError):
    """Not one candidate could be trained; the message says why, for the most frequent reason first."""

    exit_status = NOTHING_TRAINED


class TimeBudgetError(UserError, RuntimeError):
    """Nothing could be trained in the time given; the message names the least time that makes sense."""

    exit_status = BUDGET


class NotVerifiedError(UserError, RuntimeError):
    """What was trained could not be scored on the test part; it is kept, and the same command tries that again."""

    exit_status = NOT_VERIFIED


class OutputExistsError(UserError, FileExistsError):
    """An output exists already and the user did not ask to replace it."""

    exit_status = USAGE


class InUseError(UserError, RuntimeError):
    """Another driver is at work on the same bank or folder; the message names its process and host."""

    exit_status = USAGE


class NoRunError(UserError, ValueError):
    """A path that should lead to a run leads to something else, or nowhere."""

    exit_status = DATA


class ExportError(UserError, RuntimeError):
    """A saved encoder cannot be written in the format asked for; the message names the operator, or what torch says."""

    exit_status = DATA


class OptionError(UserError, ValueError):
    """An option, or a combination of options, that cannot be used; all problems, one per line."""

    exit_status = USAGE

    def __init__(self, message: str) -> None:
        from search_space.sentences import lines_of  # not needed before something is wrong

        super().__init__(lines_of(message))


class TrackingWarning(UserWarning):
    """A tracker of experiments failed; the run goes on without it."""
