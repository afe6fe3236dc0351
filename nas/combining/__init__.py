"""Which encoders an answer is made of, and what each counts."""
