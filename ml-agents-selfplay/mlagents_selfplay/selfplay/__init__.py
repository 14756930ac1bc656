"""Who meets whom: history, samplers, outcomes and ratings, in NumPy and the standard library only."""
