"""The verbs `tscnas space`, `space show` and `space sample`."""
