"""A run for TensorBoard: what its trials did (`run_board`), and a map of the chosen encoder (`projector`)."""
