namespace SelfPlay.Core
{
    /// <summary>Random numbers that are the same on every machine and in the Python twin.</summary>
    /// <remarks>SplitMix64: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators".</remarks>
    public sealed class SeededRandom
    {
        const ulong k_Step = 0x9E3779B97F4A7C15UL;
        const double k_Unit = 1.0 / (1UL << 53);

        ulong m_State;

        /// <summary>Begins the stream of a seed; neighbouring seeds give unrelated streams.</summary>
        public SeededRandom(ulong seed)
        {
            m_State = seed;
        }

        /// <summary>Returns 64 random bits.</summary>
        public ulong NextBits()
        {
            unchecked
            {
                m_State += k_Step;
                ulong mixed = m_State;
                mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9UL;
                mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBUL;
                return mixed ^ (mixed >> 31);
            }
        }

        /// <summary>Returns a number in [0, 1).</summary>
        public double NextUnit()
        {
            return (NextBits() >> 11) * k_Unit;
        }
    }
}
