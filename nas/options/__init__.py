"""The settings of every verb: frozen dataclasses without a command line."""
