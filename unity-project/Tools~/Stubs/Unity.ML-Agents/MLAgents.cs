// Signatures of what the project's scripts use of com.unity.ml-agents 4.0; see UnityEngine.cs.
using System;
using System.Collections.Generic;
using Unity.MLAgents.Actuators;
using Unity.MLAgents.Policies;
using Unity.MLAgents.Sensors;
using Unity.MLAgents.SideChannels;
using UnityEngine;

namespace Unity.MLAgents
{
    public class Academy : IDisposable
    {
        public static bool IsInitialized { get => throw null; }

        public static Academy Instance { get => throw null; }

        public event Action OnEnvironmentReset { add => throw null; remove => throw null; }

        public bool IsCommunicatorOn { get => throw null; }

        public int NumAreas { get => throw null; }

        public EnvironmentParameters EnvironmentParameters { get => throw null; }

        public StatsRecorder StatsRecorder { get => throw null; }

        public bool AutomaticSteppingEnabled { get => throw null; set => throw null; }

        public void EnvironmentStep() => throw null;

        public void Dispose() => throw null;
    }

    public class Agent : MonoBehaviour
    {
        public int CompletedEpisodes { get => throw null; }

        public virtual void Initialize() => throw null;

        public virtual void OnEpisodeBegin() => throw null;

        public virtual void CollectObservations(VectorSensor sensor) => throw null;

        public virtual void OnActionReceived(ActionBuffers actions) => throw null;

        public virtual void Heuristic(in ActionBuffers actionsOut) => throw null;

        public void AddReward(float increment) => throw null;

        public float GetCumulativeReward() => throw null;

        public void EndEpisode() => throw null;
    }

    public class DecisionRequester : MonoBehaviour
    {
        public int DecisionPeriod = 5;
    }

    public sealed class EnvironmentParameters
    {
        public float GetWithDefault(string key, float defaultValue) => throw null;
    }

    public sealed class StatsRecorder
    {
        public void Add(string key, float value, StatAggregationMethod aggregationMethod = default) => throw null;
    }

    public enum StatAggregationMethod
    {
    }
}

namespace Unity.MLAgents.Policies
{
    public class BehaviorParameters : MonoBehaviour
    {
        public int TeamId;

        public string BehaviorName { get => throw null; set => throw null; }

        public BehaviorType BehaviorType { get => throw null; set => throw null; }

        public BrainParameters BrainParameters { get => throw null; }
    }

    public enum BehaviorType
    {
        Default,
        HeuristicOnly,
        InferenceOnly
    }

    public class BrainParameters
    {
        public int VectorObservationSize = 1;

        public int NumStackedVectorObservations = 1;

        public ActionSpec ActionSpec { get => throw null; set => throw null; }
    }
}

namespace Unity.MLAgents.Sensors
{
    public class VectorSensor
    {
        public void AddObservation(IList<float> observation) => throw null;
    }
}

namespace Unity.MLAgents.Actuators
{
    public struct ActionSpec
    {
        public static ActionSpec MakeContinuous(int numActions) => throw null;

        public static ActionSpec MakeDiscrete(params int[] branchSizes) => throw null;
    }

    public readonly struct ActionSegment<T> where T : struct
    {
        public T this[int index] { get => throw null; set => throw null; }
    }

    public readonly struct ActionBuffers
    {
        public ActionSegment<float> ContinuousActions { get => throw null; }

        public ActionSegment<int> DiscreteActions { get => throw null; }
    }
}

namespace Unity.MLAgents.SideChannels
{
    public abstract class SideChannel
    {
        public Guid ChannelId { get => throw null; protected set => throw null; }

        protected abstract void OnMessageReceived(IncomingMessage msg);
    }

    public static class SideChannelManager
    {
        public static void RegisterSideChannel(SideChannel sideChannel) => throw null;

        public static void UnregisterSideChannel(SideChannel sideChannel) => throw null;
    }

    public class IncomingMessage
    {
        public int ReadInt32(int defaultValue = 0) => throw null;

        public string ReadString(string defaultValue = default(string)) => throw null;
    }
}
