using System;

namespace SelfPlay.Core
{
    /// <summary>The options of the sumo ring, checked when they are made.</summary>
    public sealed class SumoSettings
    {
        /// <summary>Longest match, in steps; the ring is gone by then.</summary>
        public readonly int Steps;

        /// <summary>Steps before the ring begins to shrink, below <see cref="Steps"/>.</summary>
        public readonly int CalmSteps;

        /// <summary>Acceleration of a body at full thrust, in metres per second squared.</summary>
        public readonly double Thrust;

        /// <summary>Share of the closing speed that a collision gives back, in [0, 1].</summary>
        public readonly double Bounce;

        /// <summary>Takes the options; those left out are the usual ones.</summary>
        /// <exception cref="ArgumentException">If one is out of range.</exception>
        public SumoSettings(double steps = 100, double calmSteps = 40, double thrust = 12, double bounce = 0.5)
        {
            if (!(steps >= 1 && steps <= int.MaxValue) || Math.Floor(steps) != steps)
            {
                throw new ArgumentException("steps is " + steps + ", but takes a whole number of at least 1");
            }
            if (!(calmSteps >= 0 && calmSteps < steps) || Math.Floor(calmSteps) != calmSteps)
            {
                throw new ArgumentException(
                    "calm_steps is " + calmSteps + ", but takes a whole number from 0 to below steps, " + steps);
            }
            if (!(thrust > 0) || double.IsInfinity(thrust))
            {
                throw new ArgumentException("thrust is " + thrust + ", but takes a finite number above 0");
            }
            if (!(bounce >= 0 && bounce <= 1))
            {
                throw new ArgumentException("bounce is " + bounce + ", but takes a number from 0 to 1");
            }
            Steps = (int)steps;
            CalmSteps = (int)calmSteps;
            Thrust = thrust;
            Bounce = bounce;
        }
    }
}
