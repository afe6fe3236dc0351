"""Exponential smoothing as a forecaster of every test origin: parameters from statsmodels, states row by row."""
