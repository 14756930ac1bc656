namespace SelfPlay
{
    /// <summary>How a build ends, for the process that started it; the same numbers as a bridge's.</summary>
    public enum ExitStatus
    {
        /// <summary>The trainer has left.</summary>
        TrainerLeft = 0,

        /// <summary>A script raised an exception.</summary>
        Failed = 1,

        /// <summary>Nobody listens at the port that was given.</summary>
        NoTrainer = 3
    }
}
