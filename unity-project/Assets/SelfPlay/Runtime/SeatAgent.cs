using Unity.MLAgents;
using Unity.MLAgents.Actuators;
using Unity.MLAgents.Sensors;
using UnityEngine;

namespace SelfPlay
{
    /// <summary>An agent that sits in one seat of an arena; its team is its seat.</summary>
    public abstract class SeatAgent : Agent
    {
        [SerializeField] Arena m_Arena;
        [SerializeField] int m_Seat;

        float[] m_Seen;
        bool m_WasAsked;

        /// <summary>Whether the agent has answered what it saw last. An answer from before a reset does not count.</summary>
        public bool HasActed { get; private set; }

        /// <summary>The person who plays this seat, or null.</summary>
        public PersonInput Person { get; private set; }

        /// <summary>The seat, 0 or 1.</summary>
        public int Seat
        {
            get { return m_Seat; }
        }

        /// <summary>Says where the agent sits; to be called before it is active.</summary>
        public void Sit(Arena arena, int seat)
        {
            m_Arena = arena;
            m_Seat = seat;
        }

        /// <summary>Forgets the answer, because the arena has used it or does not want it yet.</summary>
        public void ClearAction()
        {
            HasActed = false;
        }

        /// <inheritdoc/>
        public override void Initialize()
        {
            m_Seen = new float[m_Arena.ObservationSize];
            Person = GetComponent<PersonInput>();
        }

        /// <inheritdoc/>
        public override void OnEpisodeBegin()
        {
            m_WasAsked = false;
            HasActed = false;
        }

        /// <inheritdoc/>
        public override void CollectObservations(VectorSensor sensor)
        {
            m_Arena.Observe(m_Seat, m_Seen);
            sensor.AddObservation(m_Seen);
            m_WasAsked = true;
        }

        /// <inheritdoc/>
        public override void OnActionReceived(ActionBuffers actions)
        {
            Take(actions);
            HasActed = m_WasAsked;
        }

        /// <summary>Keeps the action until the arena asks for it.</summary>
        protected abstract void Take(ActionBuffers actions);
    }
}
