using System;
using System.Collections.Generic;
using UnityEngine;
using Unity.MLAgents.Actuators;

namespace Unity.MLAgents
{
    /// <summary>Not Unity: asks for a decision every few steps of the Academy.</summary>
    [DefaultExecutionOrder(-10)]
    public class DecisionRequester : MonoBehaviour
    {
        public int DecisionPeriod = 5;

        void OnEnable()
        {
            Academy.Instance.AgentPreStep += Request;
        }

        void OnDisable()
        {
            if (Academy.IsInitialized)
            {
                Academy.Instance.AgentPreStep -= Request;
            }
        }

        void Request(int step)
        {
            if (step % DecisionPeriod == 0)
            {
                GetComponent<Agent>().RequestDecision();
            }
        }
    }
}

namespace Unity.MLAgents.Policies
{
    public enum BehaviorType
    {
        Default,
        HeuristicOnly,
        InferenceOnly
    }

    /// <summary>Not Unity: what an agent of a behavior sees and does.</summary>
    public class BrainParameters
    {
        public int VectorObservationSize = 1;

        public int NumStackedVectorObservations = 1;

        public ActionSpec ActionSpec { get; set; }
    }

    /// <summary>Not Unity: which behavior an agent has.</summary>
    public class BehaviorParameters : MonoBehaviour
    {
        public int TeamId;

        public BehaviorParameters()
        {
            BrainParameters = new BrainParameters();
        }

        public string BehaviorName { get; set; }

        public BehaviorType BehaviorType { get; set; }

        public BrainParameters BrainParameters { get; private set; }

        public string FullyQualifiedBehaviorName
        {
            get { return BehaviorName + "?team=" + TeamId; }
        }
    }
}

namespace Unity.MLAgents.Sensors
{
    /// <summary>Not Unity: collects the numbers that an agent sees.</summary>
    public class VectorSensor
    {
        readonly int m_Size;
        readonly List<float> m_Seen = new List<float>();

        public VectorSensor(int observationSize)
        {
            m_Size = observationSize;
        }

        public void AddObservation(IList<float> observation)
        {
            m_Seen.AddRange(observation);
        }

        internal void Clear()
        {
            m_Seen.Clear();
        }

        internal float[] Take()
        {
            if (m_Seen.Count != m_Size)
            {
                throw new InvalidOperationException(
                    "an agent saw " + m_Seen.Count + " numbers, but its behavior says " + m_Size);
            }
            foreach (float number in m_Seen)
            {
                if (float.IsNaN(number) || float.IsInfinity(number))
                {
                    throw new InvalidOperationException("an agent saw " + number);
                }
            }
            return m_Seen.ToArray();
        }
    }
}
