"""Files that are shipped with the package: a trained comparator and the bank it learnt from."""
