"""Self-play for Unity ML-Agents: one policy learns by playing frozen snapshots of itself."""
