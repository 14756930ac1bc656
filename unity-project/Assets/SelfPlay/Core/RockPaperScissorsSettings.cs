using System;

namespace SelfPlay.Core
{
    /// <summary>The options of repeated rock-paper-scissors, checked when they are made.</summary>
    public sealed class RockPaperScissorsSettings
    {
        /// <summary>Past rounds that both players see, at least 1; it fixes the size of the observation.</summary>
        public readonly int Recall;

        /// <summary>Rounds of a match, at least 1.</summary>
        public readonly int Rounds;

        /// <summary>What rock is paid against paper; paper is paid the negative.</summary>
        public readonly double RockVsPaper;

        /// <summary>What rock is paid against scissors; scissors is paid the negative.</summary>
        public readonly double RockVsScissors;

        /// <summary>What paper is paid against scissors; scissors is paid the negative.</summary>
        public readonly double PaperVsScissors;

        /// <summary>When it is paid.</summary>
        public readonly PaidBy PaidBy;

        /// <summary>Takes the options; those left out are the usual ones.</summary>
        /// <exception cref="ArgumentException">If one is out of range.</exception>
        public RockPaperScissorsSettings(
            int recall = 3,
            double rounds = 10,
            double rockVsPaper = -1,
            double rockVsScissors = 1,
            double paperVsScissors = -1,
            PaidBy paidBy = PaidBy.Round)
        {
            CheckCount("recall", recall);
            CheckCount("rounds", rounds);
            CheckFinite("rock_vs_paper", rockVsPaper);
            CheckFinite("rock_vs_scissors", rockVsScissors);
            CheckFinite("paper_vs_scissors", paperVsScissors);
            Recall = recall;
            Rounds = (int)rounds;
            RockVsPaper = rockVsPaper;
            RockVsScissors = rockVsScissors;
            PaperVsScissors = paperVsScissors;
            PaidBy = paidBy;
        }

        /// <summary>Returns what the first move is paid against the second.</summary>
        public double Payoff(int own, int other)
        {
            if (own == other)
            {
                return 0;
            }
            return own < other ? Upper(own, other) : -Upper(other, own);
        }

        double Upper(int low, int high)
        {
            if (low == RockPaperScissorsMatch.Paper)
            {
                return PaperVsScissors;
            }
            return high == RockPaperScissorsMatch.Paper ? RockVsPaper : RockVsScissors;
        }

        static void CheckCount(string name, double value)
        {
            if (!(value >= 1 && value <= int.MaxValue) || Math.Floor(value) != value)
            {
                throw new ArgumentException(name + " is " + value + ", but takes a whole number of at least 1");
            }
        }

        static void CheckFinite(string name, double value)
        {
            if (double.IsNaN(value) || double.IsInfinity(value))
            {
                throw new ArgumentException(name + " is " + value + ", but takes a finite number");
            }
        }
    }
}
