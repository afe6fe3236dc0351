"""What the strategy `policy` is made of: its controller, how that learns, and the choices of a search space."""
