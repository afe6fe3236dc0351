"""What a comparator is worth, and what a bank says without one."""
