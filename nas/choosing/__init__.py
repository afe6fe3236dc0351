"""Which candidates a search trains, and what they may cost."""
