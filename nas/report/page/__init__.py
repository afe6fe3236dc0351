"""The report of a run, or of several, as one HTML file that loads nothing."""
