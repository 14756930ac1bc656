using SelfPlay.Core;
using Unity.MLAgents;
using UnityEngine;

namespace SelfPlay
{
    /// <summary>The sumo ring; the rules are in <see cref="SumoMatch"/>.</summary>
    [DefaultExecutionOrder(Arena.Order)]
    public sealed class SumoArena : Arena
    {
        /// <summary>The running match.</summary>
        public SumoMatch Match { get; private set; }

        /// <inheritdoc/>
        public override int ObservationSize
        {
            get { return SumoMatch.ObservationSize; }
        }

        /// <inheritdoc/>
        public override string Status
        {
            get { return "step " + Match.Step + " of " + Match.Settings.Steps; }
        }

        /// <inheritdoc/>
        protected override double Result
        {
            get { return Match.Result; }
        }

        /// <inheritdoc/>
        public override void Observe(int seat, float[] seen)
        {
            Match.Observe(seat, seen);
        }

        /// <inheritdoc/>
        protected override void Begin(EnvironmentParameters parameters)
        {
            var settings = new SumoSettings(
                parameters.GetWithDefault("steps", 100f),
                parameters.GetWithDefault("calm_steps", 40f),
                parameters.GetWithDefault("thrust", 12f),
                parameters.GetWithDefault("bounce", 0.5f));
            Match = new SumoMatch(settings, (ulong)Random.Range(0, int.MaxValue));
        }

        /// <inheritdoc/>
        protected override bool IsReady()
        {
            return true;
        }

        /// <inheritdoc/>
        protected override float Advance()
        {
            Match.Advance(((SumoAgent)AgentOf(0)).Thrust, ((SumoAgent)AgentOf(1)).Thrust);
            return (float)Match.Result;
        }

        /// <inheritdoc/>
        protected override bool IsOver()
        {
            return Match.IsOver;
        }

        /// <inheritdoc/>
        protected override void Report(StatsRecorder statistics)
        {
            statistics.Add("SumoRing/Length", Match.Step);
        }
    }
}
