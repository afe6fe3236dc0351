"""The command line, `tscnas VERB`: `program` parses, calls and prints; the verbs are listed in `commands`."""

from nas.cli.program import main

__all__ = ["main"]
