using SelfPlay.Core;
using Unity.MLAgents.Actuators;
using UnityEngine;

namespace SelfPlay
{
    /// <summary>Pushes its body through the sumo ring.</summary>
    public sealed class SumoAgent : SeatAgent
    {
        readonly float[] m_Thrust = new float[SumoMatch.ActionSize];

        /// <summary>The last thrust along x and y, in the agent's own view.</summary>
        public float[] Thrust
        {
            get { return m_Thrust; }
        }

        /// <summary>Thrusts where the person points, or else anywhere.</summary>
        public override void Heuristic(in ActionBuffers actionsOut)
        {
            var continuous = actionsOut.ContinuousActions;
            for (int axis = 0; axis < SumoMatch.ActionSize; axis++)
            {
                continuous[axis] = Person == null ? Random.Range(-1f, 1f) : Towards(axis);
            }
        }

        /// <inheritdoc/>
        protected override void Take(ActionBuffers actions)
        {
            for (int axis = 0; axis < SumoMatch.ActionSize; axis++)
            {
                m_Thrust[axis] = actions.ContinuousActions[axis];
            }
        }

        /// <summary>Returns the person's wish in the agent's view; seat 1 sees the ring turned by half a circle.</summary>
        float Towards(int axis)
        {
            float wish = axis == 0 ? Person.Direction.x : Person.Direction.y;
            return Seat == 0 ? wish : -wish;
        }
    }
}
