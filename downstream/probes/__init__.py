"""Probes: small models with few choices, fitted on frozen representations."""
