"""Records that teach the comparator, and the comparator taught by them."""
