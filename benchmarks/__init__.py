"""Figures that the documentation quotes, each measured by one command: `python -m benchmarks.NAME --json`."""
