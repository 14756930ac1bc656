using System;

namespace Unity.MLAgents.Actuators
{
    /// <summary>Not Unity: how many numbers and choices an action has.</summary>
    public struct ActionSpec
    {
        public int NumContinuousActions { get; set; }

        public int[] BranchSizes;

        public int NumDiscreteActions
        {
            get { return BranchSizes.Length; }
        }

        public static ActionSpec MakeContinuous(int numActions)
        {
            return new ActionSpec { NumContinuousActions = numActions, BranchSizes = new int[0] };
        }

        public static ActionSpec MakeDiscrete(params int[] branchSizes)
        {
            return new ActionSpec { BranchSizes = branchSizes };
        }
    }

    /// <summary>Not Unity: the numbers, or the choices, of one action.</summary>
    public struct ActionSegment<T> where T : struct
    {
        readonly T[] m_Actions;

        public ActionSegment(T[] actionArray)
        {
            m_Actions = actionArray;
        }

        public int Length
        {
            get { return m_Actions.Length; }
        }

        public T this[int index]
        {
            get { return m_Actions[index]; }
            set { m_Actions[index] = value; }
        }
    }

    /// <summary>Not Unity: one action.</summary>
    public struct ActionBuffers
    {
        public ActionBuffers(float[] continuousActions, int[] discreteActions) : this()
        {
            ContinuousActions = new ActionSegment<float>(continuousActions);
            DiscreteActions = new ActionSegment<int>(discreteActions);
        }

        public ActionSegment<float> ContinuousActions { get; private set; }

        public ActionSegment<int> DiscreteActions { get; private set; }

        internal static ActionBuffers Empty(ActionSpec spec)
        {
            return new ActionBuffers(new float[spec.NumContinuousActions], new int[spec.NumDiscreteActions]);
        }
    }
}
