namespace SelfPlay.Core
{
    /// <summary>A round body of mass 1: where its centre is, in metres, and how fast it moves, in metres per second.</summary>
    public struct SumoBody
    {
        /// <summary>The centre, from the middle of the ring.</summary>
        public double X, Y;

        /// <summary>The velocity.</summary>
        public double VelocityX, VelocityY;

        /// <summary>Square of the distance to the middle of the ring.</summary>
        public double SquaredDistance
        {
            get { return X * X + Y * Y; }
        }
    }
}
