"""What can go wrong in an evaluation by no fault of the code?"""


class EvaluationError(Exception):
    """A player, an environment or a folder cannot be used; the message names it, and says what would do."""
