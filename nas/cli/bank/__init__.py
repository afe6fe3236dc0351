"""The verbs below `tscnas bank`: what a bank holds (`listing`, `candidate`) and what is done with it (`keeping`)."""
