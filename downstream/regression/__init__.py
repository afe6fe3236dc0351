"""Regression: a number for each case; its task, how it is read, scored and compared."""
