"""Trials as jobs and records, and the rounds that they are run in."""
