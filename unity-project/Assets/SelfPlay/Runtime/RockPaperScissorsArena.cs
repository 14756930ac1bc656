using System;
using SelfPlay.Core;
using Unity.MLAgents;
using UnityEngine;

namespace SelfPlay
{
    /// <summary>Repeated rock-paper-scissors; the rules are in <see cref="RockPaperScissorsMatch"/>.</summary>
    [DefaultExecutionOrder(Arena.Order)]
    public sealed class RockPaperScissorsArena : Arena
    {
        static readonly string[] s_Moves = { "rock", "paper", "scissors" };

        readonly int[] m_MoveCounts = new int[RockPaperScissorsMatch.Moves];  // of both seats in this match
        RockPaperScissorsMatch m_Match;

        /// <summary>The moves of the last round, or null before the first one.</summary>
        public int[] LastMoves { get; private set; }

        /// <inheritdoc/>
        public override int ObservationSize
        {
            get { return RockPaperScissorsMatch.SlotSize * new RockPaperScissorsSettings().Recall; }
        }

        /// <inheritdoc/>
        public override string Status
        {
            get
            {
                string text = "round " + m_Match.Round + " of " + m_Match.Settings.Rounds;
                if (LastMoves != null)
                {
                    text += ", last " + s_Moves[LastMoves[0]] + " against " + s_Moves[LastMoves[1]];
                }
                return text;
            }
        }

        /// <inheritdoc/>
        protected override double Result
        {
            get { return m_Match.Score; }
        }

        /// <inheritdoc/>
        public override void Observe(int seat, float[] seen)
        {
            m_Match.Observe(seat, seen);
        }

        /// <inheritdoc/>
        protected override void Begin(EnvironmentParameters parameters)
        {
            m_Match = new RockPaperScissorsMatch(new RockPaperScissorsSettings(
                rounds: parameters.GetWithDefault("rounds", 10f),
                rockVsPaper: parameters.GetWithDefault("rock_vs_paper", -1f),
                rockVsScissors: parameters.GetWithDefault("rock_vs_scissors", 1f),
                paperVsScissors: parameters.GetWithDefault("paper_vs_scissors", -1f)));
            Array.Clear(m_MoveCounts, 0, m_MoveCounts.Length);
        }

        /// <inheritdoc/>
        protected override bool IsReady()
        {
            for (int seat = 0; seat < Seats; seat++)
            {
                PersonInput person = AgentOf(seat).Person;
                if (person != null && person.Choice != Move(seat))
                {
                    return false;
                }
            }
            return true;
        }

        /// <inheritdoc/>
        protected override float Advance()
        {
            LastMoves = new[] { Move(0), Move(1) };
            for (int seat = 0; seat < Seats; seat++)
            {
                m_MoveCounts[LastMoves[seat]]++;
                if (AgentOf(seat).Person != null)
                {
                    AgentOf(seat).Person.ClearChoice();
                }
            }
            return (float)m_Match.Play(LastMoves[0], LastMoves[1]);
        }

        /// <inheritdoc/>
        protected override bool IsOver()
        {
            return m_Match.IsOver;
        }

        /// <inheritdoc/>
        protected override void Report(StatsRecorder statistics)
        {
            for (int move = 0; move < s_Moves.Length; move++)
            {
                float share = m_MoveCounts[move] / (float)(Seats * m_Match.Round);
                statistics.Add("RockPaperScissors/Share of " + s_Moves[move], share);
            }
        }

        int Move(int seat)
        {
            return ((RockPaperScissorsAgent)AgentOf(seat)).Move;
        }
    }
}
