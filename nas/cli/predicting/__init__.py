"""The verbs that answer with what a search fitted: `tscnas forecast` and `detect`."""
