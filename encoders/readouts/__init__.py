"""Readouts: how the representations of all steps become one vector per stream.

`search_space.registry.options("readout")` finds every module here whose name
does not start with an underscore.
"""
