"""What a run prints and writes for a person."""
