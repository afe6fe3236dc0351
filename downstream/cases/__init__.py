"""Whole cases: what the kinds that ask about one window per case share."""
