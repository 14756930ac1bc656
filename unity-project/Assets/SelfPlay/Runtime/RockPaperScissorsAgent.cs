using SelfPlay.Core;
using Unity.MLAgents.Actuators;
using UnityEngine;

namespace SelfPlay
{
    /// <summary>Chooses rock, paper or scissors.</summary>
    public sealed class RockPaperScissorsAgent : SeatAgent
    {
        /// <summary>The move that was chosen last: 0 rock, 1 paper, 2 scissors.</summary>
        public int Move { get; private set; }

        /// <summary>Plays what the person has chosen, or else any move.</summary>
        public override void Heuristic(in ActionBuffers actionsOut)
        {
            var discrete = actionsOut.DiscreteActions;
            bool chosen = Person != null && Person.Choice != PersonInput.None;
            discrete[0] = chosen ? Person.Choice : Random.Range(0, RockPaperScissorsMatch.Moves);
        }

        /// <inheritdoc/>
        protected override void Take(ActionBuffers actions)
        {
            Move = actions.DiscreteActions[0];
        }
    }
}
