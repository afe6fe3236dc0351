"""The verbs that use a found encoder: `tscnas embed`, `evaluate` and `finetune`."""
