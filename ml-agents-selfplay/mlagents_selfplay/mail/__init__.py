"""What a running trainer is told from outside, by letters in its run folder; a population writes them."""
