"""Augmentations, one per file: a view in, a view out, all chance from the generator."""
