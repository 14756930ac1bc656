"""How does the trainer have whole rollouts played by the bridge? See docs/rollouts.md."""
