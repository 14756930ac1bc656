using NUnit.Framework;
using SelfPlay.Core;

namespace SelfPlay.Tests
{
    public class SeededRandomTests
    {
        [Test]
        public void NumbersAreThoseOfSplitMix64()
        {
            // The first outputs for seed 1234567, as published with the algorithm's reference implementations.
            var random = new SeededRandom(1234567);
            Assert.That(random.NextBits(), Is.EqualTo(6457827717110365317UL));
            Assert.That(random.NextBits(), Is.EqualTo(3203168211198807973UL));
            Assert.That(random.NextBits(), Is.EqualTo(9817491932198370423UL));
        }

        [Test]
        public void UnitsLieFromZeroToBelowOneAndAreEvenlySpread()
        {
            var random = new SeededRandom(0);
            double sum = 0;
            for (int i = 0; i < 10000; i++)
            {
                double unit = random.NextUnit();
                Assert.That(unit >= 0 && unit < 1);
                sum += unit;
            }
            Assert.That(sum / 10000, Is.EqualTo(0.5).Within(0.01));  // three standard errors are 0.0087
        }
    }
}
