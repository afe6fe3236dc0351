"""What is kept on disk and used again: encoders, fitted probes, representations of other data."""
