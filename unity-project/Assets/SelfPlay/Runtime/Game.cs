namespace SelfPlay
{
    /// <summary>The games; a behavior has the name of its game.</summary>
    public enum Game
    {
        /// <summary>Repeated rock-paper-scissors.</summary>
        RockPaperScissors,

        /// <summary>The sumo ring.</summary>
        SumoRing
    }
}
