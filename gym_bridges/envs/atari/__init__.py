"""Atari games, played by the Arcade Learning Environment (ale-py, which brings the games)."""
