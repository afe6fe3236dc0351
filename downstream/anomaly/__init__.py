"""Anomaly detection: its task, how it is read, scored and compared."""
