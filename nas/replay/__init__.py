"""Strategies of a search, played on trials that were recorded: what each would have found, and at what cost."""
