"""Candidates as graphs: their vertices, columns, and the fast form of many of them."""
