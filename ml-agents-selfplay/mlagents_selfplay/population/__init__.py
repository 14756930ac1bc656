"""Population-based training: several learners that meet each other, and whose better ones pass on what they are."""
