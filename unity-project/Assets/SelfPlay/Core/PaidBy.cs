namespace SelfPlay.Core
{
    /// <summary>When a match of rock-paper-scissors pays.</summary>
    public enum PaidBy
    {
        /// <summary>Every round pays at once.</summary>
        Round,

        /// <summary>The last round pays the sum of all, the others nothing.</summary>
        Match
    }
}
