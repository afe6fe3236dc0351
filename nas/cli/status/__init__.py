"""`tscnas status`: who drives a run (`driver`), what its files tell (`state`), how that is shown (`text`, `verb`)."""
