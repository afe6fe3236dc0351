"""The options of the verbs that look after a machine and its runs: `status` and `doctor`."""

from dataclasses import dataclass

from nas.options.fields import OptionSet, option

_JSON = "print one JSON object in place of text"


@dataclass(frozen=True)
class StatusOptions(OptionSet):
    """Show how far a run is: its driver, stage, trials, best candidate so far, and the time it still takes."""

    run: str = option(
        path=True, positional=True, text="output folder of a search, or the bank that `tscnas seeds` fills"
    )
    watch: bool = option(False, text="show it again every 2 seconds until the run ends")
    json: bool = option(False, text=_JSON)


@dataclass(frozen=True)
class DoctorOptions(OptionSet):
    """Check this machine and this installation, and say what to do about whatever is not in order."""

    json: bool = option(False, text=_JSON)
