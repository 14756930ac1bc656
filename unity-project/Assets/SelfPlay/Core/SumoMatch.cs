using System;

namespace SelfPlay.Core
{
    /// <summary>
    /// One match in the sumo ring: two bodies push each other in a ring that shrinks to nothing; whoever is out, loses.
    /// </summary>
    /// <remarks>
    /// Only +, -, *, / and square roots of doubles are used, in a fixed order, so the Python twin
    /// (gym_bridges/envs/sumo_rules.py) arrives at the same bits.
    /// </remarks>
    public sealed class SumoMatch
    {
        /// <summary>Number of players.</summary>
        public const int Seats = 2;

        /// <summary>Length of the observation, and of the action.</summary>
        public const int ObservationSize = 10, ActionSize = 2;

        /// <summary>Seconds that one step lasts.</summary>
        public const double StepSeconds = 0.05;

        /// <summary>Radius of the ring at the start, and of a body, in metres.</summary>
        public const double FullRadius = 2.5, BodyRadius = 0.5;

        /// <summary>Distance of both bodies from the middle at the start, in metres.</summary>
        public const double StartDistance = 1.25;

        /// <summary>Share of its speed that a body loses in a second.</summary>
        public const double Drag = 2.0;

        /// <summary>Speed by which observed velocities are divided, in metres per second.</summary>
        public const double SpeedScale = 6.0;

        SumoBody m_First, m_Second;
        double m_Result;  // -1, 0 or 1 once the match is over: what seat 0 is paid

        /// <summary>Begins a match.</summary>
        /// <param name="settings">The options.</param>
        /// <param name="seed">Decides on which line through the middle the bodies face each other.</param>
        public SumoMatch(SumoSettings settings, ulong seed)
        {
            Settings = settings;
            var random = new SeededRandom(seed);
            double x, y, squared;
            do
            {
                x = 2 * random.NextUnit() - 1;
                y = 2 * random.NextUnit() - 1;
                squared = x * x + y * y;
            }
            while (squared > 1 || squared < 0.01);
            double scale = StartDistance / Math.Sqrt(squared);
            m_First.X = x * scale;
            m_First.Y = y * scale;
            m_Second.X = -m_First.X;
            m_Second.Y = -m_First.Y;
        }

        /// <summary>The options of this match.</summary>
        public SumoSettings Settings { get; private set; }

        /// <summary>Steps made so far.</summary>
        public int Step { get; private set; }

        /// <summary>Whether somebody has won, or both are out alike.</summary>
        public bool IsOver { get; private set; }

        /// <summary>Present radius of the ring, in metres.</summary>
        public double Radius
        {
            get
            {
                int late = Math.Max(0, Step - Settings.CalmSteps);
                return FullRadius * (1 - late / (double)(Settings.Steps - Settings.CalmSteps));
            }
        }

        /// <summary>What seat 0 is paid at the end: 1 for a win, -1 for a loss, 0 for a draw, and 0 until then.</summary>
        public double Result
        {
            get { return m_Result; }
        }

        /// <summary>Returns the body of a seat.</summary>
        public SumoBody Body(int seat)
        {
            return seat == 0 ? m_First : m_Second;
        }

        /// <summary>Moves on by one step.</summary>
        /// <param name="first">Thrust of seat 0 along x and y, in its own view; cut to [-1, 1], then to length 1.</param>
        /// <param name="second">That of seat 1, whose view is turned by half a circle.</param>
        /// <exception cref="InvalidOperationException">If the match is over.</exception>
        public void Advance(float[] first, float[] second)
        {
            if (IsOver)
            {
                throw new InvalidOperationException("the match is over after " + Step + " steps");
            }
            Move(ref m_First, first, Settings.Thrust);
            Move(ref m_Second, second, -Settings.Thrust);
            Collide(ref m_First, ref m_Second, Settings.Bounce);
            Step++;
            Judge();
        }

        /// <summary>Writes what a seat sees; both see themselves first, seat 1 with the ring turned by half a circle.</summary>
        /// <param name="seat">0 or 1.</param>
        /// <param name="seen">
        /// Is overwritten: own place, own velocity, the other's place and velocity (x before y), the ring's radius, and the share
        /// of the match that is over; lengths as shares of the full radius.
        /// </param>
        public void Observe(int seat, float[] seen)
        {
            SumoBody own = Body(seat), other = Body(1 - seat);
            double sign = seat == 0 ? 1 : -1;
            seen[0] = (float)(sign * own.X / FullRadius);
            seen[1] = (float)(sign * own.Y / FullRadius);
            seen[2] = (float)(sign * own.VelocityX / SpeedScale);
            seen[3] = (float)(sign * own.VelocityY / SpeedScale);
            seen[4] = (float)(sign * other.X / FullRadius);
            seen[5] = (float)(sign * other.Y / FullRadius);
            seen[6] = (float)(sign * other.VelocityX / SpeedScale);
            seen[7] = (float)(sign * other.VelocityY / SpeedScale);
            seen[8] = (float)(Radius / FullRadius);
            seen[9] = (float)(Step / (double)Settings.Steps);
        }

        static void Move(ref SumoBody body, float[] action, double thrust)
        {
            double x = Cut(action[0]), y = Cut(action[1]);
            double length = Math.Sqrt(x * x + y * y);
            if (length > 1)
            {
                x /= length;
                y /= length;
            }
            body.VelocityX = (body.VelocityX + x * thrust * StepSeconds) * (1 - Drag * StepSeconds);
            body.VelocityY = (body.VelocityY + y * thrust * StepSeconds) * (1 - Drag * StepSeconds);
            body.X += body.VelocityX * StepSeconds;
            body.Y += body.VelocityY * StepSeconds;
        }

        static double Cut(float number)
        {
            return Math.Max(-1.0, Math.Min(1.0, number));
        }

        /// <summary>Separates bodies that overlap, and lets them bounce off each other if they close in.</summary>
        static void Collide(ref SumoBody one, ref SumoBody other, double bounce)
        {
            double x = other.X - one.X, y = other.Y - one.Y;
            double distance = Math.Sqrt(x * x + y * y);
            if (distance >= 2 * BodyRadius)
            {
                return;
            }
            if (distance == 0)
            {
                x = 1;
                y = 0;
            }
            else
            {
                x /= distance;
                y /= distance;
            }
            double half = (2 * BodyRadius - distance) / 2;
            one.X -= x * half;
            one.Y -= y * half;
            other.X += x * half;
            other.Y += y * half;
            double closing = (other.VelocityX - one.VelocityX) * x + (other.VelocityY - one.VelocityY) * y;
            double push = closing < 0 ? -(1 + bounce) * closing / 2 : 0;
            one.VelocityX -= x * push;
            one.VelocityY -= y * push;
            other.VelocityX += x * push;
            other.VelocityY += y * push;
        }

        /// <summary>Ends the match if a centre is outside; if both are, or the ring is gone, the nearer one wins.</summary>
        void Judge()
        {
            double radius = Radius, first = m_First.SquaredDistance, second = m_Second.SquaredDistance;
            IsOver = first > radius * radius || second > radius * radius || Step == Settings.Steps;
            if (IsOver)
            {
                m_Result = first < second ? 1 : first > second ? -1 : 0;
            }
        }
    }
}
