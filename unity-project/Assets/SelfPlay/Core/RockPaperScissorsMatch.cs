using System;

namespace SelfPlay.Core
{
    /// <summary>One match of repeated rock-paper-scissors: moves in, rewards and observations out.</summary>
    /// <remarks>
    /// A joint move is 3 * own + other, 0 to 8; <see cref="Empty"/> stands where no round has been played yet.
    /// </remarks>
    public sealed class RockPaperScissorsMatch
    {
        /// <summary>The moves.</summary>
        public const int Rock = 0, Paper = 1, Scissors = 2;

        /// <summary>Number of moves.</summary>
        public const int Moves = 3;

        /// <summary>Number of players.</summary>
        public const int Seats = 2;

        /// <summary>Stands in a slot whose round has not been played.</summary>
        public const int Empty = 9;

        /// <summary>Length of the one-hot vector of one recalled round.</summary>
        public const int SlotSize = 10;

        readonly int[] m_Recall;  // joint moves as seat 0 sees them, oldest first

        /// <summary>Begins a match.</summary>
        public RockPaperScissorsMatch(RockPaperScissorsSettings settings)
        {
            Settings = settings;
            m_Recall = new int[settings.Recall];
            for (int slot = 0; slot < m_Recall.Length; slot++)
            {
                m_Recall[slot] = Empty;
            }
        }

        /// <summary>The options of this match.</summary>
        public RockPaperScissorsSettings Settings { get; private set; }

        /// <summary>Rounds played so far.</summary>
        public int Round { get; private set; }

        /// <summary>What seat 0 has earned so far; seat 1 has earned the negative.</summary>
        public double Score { get; private set; }

        /// <summary>Whether all rounds have been played.</summary>
        public bool IsOver
        {
            get { return Round == Settings.Rounds; }
        }

        /// <summary>Length of the observation.</summary>
        public int ObservationSize
        {
            get { return SlotSize * m_Recall.Length; }
        }

        /// <summary>Plays one round.</summary>
        /// <returns>What seat 0 is paid for it now; seat 1 is paid the negative.</returns>
        /// <exception cref="InvalidOperationException">If the match is over.</exception>
        public double Play(int first, int second)
        {
            if (IsOver)
            {
                throw new InvalidOperationException("the match is over after " + Round + " rounds");
            }
            CheckMove(first);
            CheckMove(second);
            Array.Copy(m_Recall, 1, m_Recall, 0, m_Recall.Length - 1);
            m_Recall[m_Recall.Length - 1] = Moves * first + second;
            double paid = Settings.Payoff(first, second);
            Score += paid;
            Round++;
            if (Settings.PaidBy == PaidBy.Round)
            {
                return paid;
            }
            return IsOver ? Score : 0;
        }

        /// <summary>Writes what a seat sees: a one-hot vector for each slot, oldest first, itself before the other.</summary>
        /// <param name="seat">0 or 1.</param>
        /// <param name="seen">Is overwritten; has <see cref="ObservationSize"/> entries.</param>
        public void Observe(int seat, float[] seen)
        {
            Array.Clear(seen, 0, seen.Length);
            for (int slot = 0; slot < m_Recall.Length; slot++)
            {
                int joint = m_Recall[slot];
                seen[SlotSize * slot + (seat == 0 ? joint : Mirror(joint))] = 1;
            }
        }

        static int Mirror(int joint)
        {
            return joint == Empty ? Empty : Moves * (joint % Moves) + joint / Moves;
        }

        static void CheckMove(int move)
        {
            if (move < 0 || move >= Moves)
            {
                throw new ArgumentOutOfRangeException("move", "a move is " + move + ", but takes 0, 1 or 2");
            }
        }
    }
}
