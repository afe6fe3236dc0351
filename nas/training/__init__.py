"""One candidate learns: its model, batches, steps and device."""
