using Unity.MLAgents;
using UnityEngine;

namespace SelfPlay
{
    /// <summary>One copy of a game with two seats: it waits until both agents have acted, then moves the match on.</summary>
    /// <remarks>
    /// It runs after the Academy's step in the same FixedUpdate, by its execution order. Both episodes end in the same step, with
    /// the result in the last reward.
    /// </remarks>
    public abstract class Arena : MonoBehaviour
    {
        /// <summary>Execution order of every arena; the Academy has 0.</summary>
        internal const int Order = 100;

        /// <summary>Number of players of a match.</summary>
        public const int Seats = 2;

        [SerializeField] SeatAgent[] m_Agents;

        readonly int[] m_Wins = new int[Seats];
        bool m_HasBegun;

        /// <summary>Matches without a winner since the start.</summary>
        public int Draws { get; private set; }

        /// <summary>Length of one seat's observation.</summary>
        public abstract int ObservationSize { get; }

        /// <summary>One line on the running match, for people.</summary>
        public abstract string Status { get; }

        /// <summary>Matches that a seat has won since the start.</summary>
        public int Wins(int seat)
        {
            return m_Wins[seat];
        }

        /// <summary>The agent of a seat.</summary>
        public SeatAgent AgentOf(int seat)
        {
            return m_Agents[seat];
        }

        /// <summary>Says who sits where; to be called before anything is active.</summary>
        public void Seat(SeatAgent[] agents)
        {
            m_Agents = agents;
        }

        /// <summary>Writes what a seat sees.</summary>
        public abstract void Observe(int seat, float[] seen);

        /// <summary>Moves the match on by one step if both agents have acted.</summary>
        public void Resolve()
        {
            if (!m_Agents[0].HasActed || !m_Agents[1].HasActed)
            {
                return;
            }
            if (IsReady())
            {
                float paid = Advance();
                m_Agents[0].AddReward(paid);
                m_Agents[1].AddReward(-paid);
                if (IsOver())
                {
                    End();
                }
            }
            m_Agents[0].ClearAction();
            m_Agents[1].ClearAction();
        }

        /// <summary>Begins a match with the present environment parameters.</summary>
        protected abstract void Begin(EnvironmentParameters parameters);

        /// <summary>Whether the step can be made; false while a person still thinks.</summary>
        protected abstract bool IsReady();

        /// <summary>Makes one step with the agents' actions, and returns what seat 0 is paid; seat 1 is paid the negative.</summary>
        protected abstract float Advance();

        /// <summary>Whether the match is over.</summary>
        protected abstract bool IsOver();

        /// <summary>Tells the trainer's statistics of the match that has just ended.</summary>
        protected abstract void Report(StatsRecorder statistics);

        /// <summary>The result of the match for seat 0; above 0 is a win.</summary>
        protected abstract double Result { get; }

        void OnEnable()
        {
            Academy.Instance.OnEnvironmentReset += BeginAgain;
            if (!m_HasBegun)
            {
                BeginAgain();
            }
        }

        void OnDisable()
        {
            if (Academy.IsInitialized)
            {
                Academy.Instance.OnEnvironmentReset -= BeginAgain;
            }
        }

        void FixedUpdate()
        {
            Resolve();
        }

        void BeginAgain()
        {
            m_HasBegun = true;
            Begin(Academy.Instance.EnvironmentParameters);
        }

        void End()
        {
            if (Result == 0)
            {
                Draws++;
            }
            else
            {
                m_Wins[Result > 0 ? 0 : 1]++;
            }
            Report(Academy.Instance.StatsRecorder);
            m_Agents[0].EndEpisode();
            m_Agents[1].EndEpisode();
            BeginAgain();
        }
    }
}
