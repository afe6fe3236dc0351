"""Learn from trial records which candidates suit which task, and rank candidates that nobody has trained.

The bank (`bank`, `record`) keeps what trials gave; `graph` and `task_embedding`
turn candidates and tasks into numbers; `training` fits the `comparator`;
`ranking` uses it; `evaluation` and `importance` say what it is worth.

Names are imported from these modules: importing the package alone imports nothing else.
"""
