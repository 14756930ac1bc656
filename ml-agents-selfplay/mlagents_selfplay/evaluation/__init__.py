"""Does it get better? Matches between any two players, tournaments, and experiments over many trainings."""
