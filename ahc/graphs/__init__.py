"""Candidates as graphs: their vertices, columns, the fast form of many, and networks that read them edge by edge."""
