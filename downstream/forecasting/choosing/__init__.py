"""Which forecaster is handed over: the choice, its evidence, and the rows that it is judged on."""
