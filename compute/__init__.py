"""What a machine offers and every package may use: memory for intermediate results, and fast matrix products."""
