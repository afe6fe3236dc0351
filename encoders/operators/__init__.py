"""Operators: what sits on an edge of the encoder's DAG, one option per file.

`search_space.registry.options("operator")` finds every module here whose name
does not start with an underscore.
"""
