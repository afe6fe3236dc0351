"""Time budgets and forecasts: when a command must be done (`deadline`), what its parts take on this machine
(`pilot`), how a search keeps within its time (`search_budget`), and what trials would take (`estimate`).
"""
