"""From trial records to a comparator."""
