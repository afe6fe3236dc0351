"""The verbs that answer with what a search fitted: `tscnas predict`, `forecast` and `detect`."""
