"""Data that a program holds: containers of any library, and labels beside them."""
