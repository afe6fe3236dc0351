"""The anomaly detector: parts that look at windows, their scores on steps, their sum, and what it remembers."""
