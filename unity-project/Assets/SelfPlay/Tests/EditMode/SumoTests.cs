using System;
using NUnit.Framework;
using SelfPlay.Core;

namespace SelfPlay.Tests
{
    public class SumoTests
    {
        static readonly float[] s_Rest = { 0, 0 };

        [Test]
        public void BodiesBeginAtRestOppositeEachOther()
        {
            for (ulong seed = 0; seed < 100; seed++)
            {
                var match = new SumoMatch(new SumoSettings(), seed);
                SumoBody first = match.Body(0), second = match.Body(1);
                Assert.That(Math.Sqrt(first.SquaredDistance), Is.EqualTo(1.25).Within(1e-12));
                Assert.That(second.X, Is.EqualTo(-first.X));
                Assert.That(second.Y, Is.EqualTo(-first.Y));
                Assert.That(first.VelocityX, Is.EqualTo(0));
            }
        }

        [Test]
        public void BothSeatsSeeTheSameFromTheirOwnSide()
        {
            var match = new SumoMatch(new SumoSettings(), 1);
            float[] first = Seen(match, 0), second = Seen(match, 1);
            Assert.That(second, Is.EqualTo(first));
            match.Advance(new[] { 1f, 0f }, new[] { 1f, 0f });  // each to its own right
            Assert.That(Seen(match, 1), Is.EqualTo(Seen(match, 0)));
        }

        [Test]
        public void OneStepOfFullThrustMovesABodyByHand()
        {
            var match = new SumoMatch(new SumoSettings(), 2);
            SumoBody before = match.Body(0);
            match.Advance(new[] { 1f, 0f }, s_Rest);
            SumoBody after = match.Body(0);
            // 12 m/s^2 for 0.05 s, less a tenth by drag: 0.54 m/s, and 0.027 m in this step.
            Assert.That(after.VelocityX, Is.EqualTo(0.54).Within(1e-12));
            Assert.That(after.X - before.X, Is.EqualTo(0.027).Within(1e-12));
        }

        [Test]
        public void ThrustIsCutToLengthOne()
        {
            var match = new SumoMatch(new SumoSettings(), 2);
            match.Advance(new[] { 30f, 40f }, s_Rest);
            SumoBody body = match.Body(0);
            // Cut to (1, 1) first, hence along the diagonal: 0.54 / sqrt(2) each.
            Assert.That(body.VelocityX, Is.EqualTo(0.3818376618).Within(1e-9));
            Assert.That(body.VelocityY, Is.EqualTo(0.3818376618).Within(1e-9));
        }

        [Test]
        public void TheRingIsWholeWhileItIsCalmAndGoneAtTheEnd()
        {
            var match = new SumoMatch(new SumoSettings(steps: 4, calmSteps: 2), 0);
            double[] expected = { 2.5, 2.5, 2.5, 1.25 };
            foreach (double radius in expected)
            {
                Assert.That(match.Radius, Is.EqualTo(radius));
                match.Advance(s_Rest, s_Rest);
            }
            Assert.That(match.Radius, Is.EqualTo(0));
            Assert.That(match.IsOver);
            Assert.That(match.Result, Is.EqualTo(0));  // both stood still, equally far out
        }

        [Test]
        public void WhoeverIsOutLoses()
        {
            var match = new SumoMatch(new SumoSettings(), 3);
            SumoBody body = match.Body(0);
            float[] outwards = { (float)body.X, (float)body.Y };
            while (!match.IsOver)
            {
                match.Advance(outwards, s_Rest);
            }
            Assert.That(match.Result, Is.EqualTo(-1));
            Assert.That(match.Step < 40);  // long before the ring shrinks
        }

        [Test]
        public void ABodyThatIsRunIntoIsPushedAndTheyNeverOverlap()
        {
            var match = new SumoMatch(new SumoSettings(), 4);
            SumoBody body = match.Body(0);
            float[] inwards = { -(float)body.X, -(float)body.Y };
            while (!match.IsOver)
            {
                match.Advance(inwards, s_Rest);
                SumoBody first = match.Body(0), second = match.Body(1);
                double x = first.X - second.X, y = first.Y - second.Y;
                Assert.That(Math.Sqrt(x * x + y * y) > 2 * SumoMatch.BodyRadius - 1e-9);
            }
            Assert.That(match.Result, Is.EqualTo(1));
        }

        [Test]
        public void AMatchThatIsOverIsNotPlayedOn()
        {
            var match = new SumoMatch(new SumoSettings(steps: 1, calmSteps: 0), 0);
            match.Advance(s_Rest, s_Rest);
            Assert.Throws<InvalidOperationException>(() => match.Advance(s_Rest, s_Rest));
        }

        [Test]
        public void SettingsOutOfRangeAreRefusedByName()
        {
            Refused("steps is 0", () => new SumoSettings(steps: 0));
            Refused("calm_steps is 100", () => new SumoSettings(calmSteps: 100));
            Refused("thrust is 0", () => new SumoSettings(thrust: 0));
            Refused("bounce is 1.5", () => new SumoSettings(bounce: 1.5));
        }

        static float[] Seen(SumoMatch match, int seat)
        {
            var seen = new float[SumoMatch.ObservationSize];
            match.Observe(seat, seen);
            return seen;
        }

        static void Refused(string beginning, TestDelegate make)
        {
            Assert.That(Assert.Throws<ArgumentException>(make).Message.StartsWith(beginning));
        }
    }
}
