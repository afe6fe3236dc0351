"""A run while it happens and afterwards: its folder, events, log, lock, progress and errors."""
