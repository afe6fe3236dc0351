"""What a check found."""

from dataclasses import dataclass

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Args:
        name: What it is.
        level: `ok`; `warn` where it works, but not as well as it could; `fail` where something will not work.
        text: What was found.
        advice: What to do; empty where nothing is to be done.
    """

    name: str
    level: str
    text: str
    advice: str = ""

    def line(self, *, width: int) -> str:
        """Return the check as one line, the name in a column of `width` characters."""
        advice = f" -> {self.advice}" if self.advice else ""
        text = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in f"{self.text}{advice}")
        return f"{self.level:<4}  {self.name:<{width}}  {text}"
