"""Slow oracles in NumPy float64: loops, no cleverness, one idea a file."""
