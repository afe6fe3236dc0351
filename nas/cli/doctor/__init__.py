"""`tscnas doctor`: packages, machine and engines, checked one by one; each check says what to do where it is not ok."""
