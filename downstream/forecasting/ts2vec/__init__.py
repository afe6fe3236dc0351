"""TS2Vec's published protocol for forecasts."""
