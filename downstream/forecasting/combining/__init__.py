"""The forecaster that is handed over: plain forecasts and those on a representation, combined."""
