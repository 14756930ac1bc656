using System;
using NUnit.Framework;
using SelfPlay.Core;

namespace SelfPlay.Tests
{
    public class RockPaperScissorsTests
    {
        const int k_Rock = RockPaperScissorsMatch.Rock, k_Paper = RockPaperScissorsMatch.Paper;
        const int k_Scissors = RockPaperScissorsMatch.Scissors;

        [Test]
        public void PayoffsAreThoseOfTheGame()
        {
            // Rock loses to paper, paper to scissors, scissors to rock; rows are the own move.
            double[,] expected =
            {
                { 0, -1, 1 },
                { 1, 0, -1 },
                { -1, 1, 0 }
            };
            var settings = new RockPaperScissorsSettings();
            for (int own = 0; own < 3; own++)
            {
                for (int other = 0; other < 3; other++)
                {
                    Assert.That(settings.Payoff(own, other), Is.EqualTo(expected[own, other]));
                }
            }
        }

        [Test]
        public void EachNamedPayoffIsPaidInItsPairing()
        {
            var settings = new RockPaperScissorsSettings(rockVsPaper: 2, rockVsScissors: 3, paperVsScissors: 5);
            Assert.That(settings.Payoff(k_Rock, k_Paper), Is.EqualTo(2));
            Assert.That(settings.Payoff(k_Rock, k_Scissors), Is.EqualTo(3));
            Assert.That(settings.Payoff(k_Paper, k_Scissors), Is.EqualTo(5));
            Assert.That(settings.Payoff(k_Scissors, k_Paper), Is.EqualTo(-5));
        }

        [Test]
        public void BothSeatsSeeThemselvesFirst()
        {
            var match = new RockPaperScissorsMatch(new RockPaperScissorsSettings(recall: 1));
            match.Play(k_Paper, k_Rock);
            Assert.That(Seen(match, 0), Is.EqualTo(new[] { 3 }));  // own paper, other's rock: 3 * 1 + 0
            Assert.That(Seen(match, 1), Is.EqualTo(new[] { 1 }));  // own rock, other's paper: 3 * 0 + 1
        }

        [Test]
        public void TheNewestRoundStandsLastAndEmptySlotsFirst()
        {
            var match = new RockPaperScissorsMatch(new RockPaperScissorsSettings());
            match.Play(k_Rock, k_Scissors);
            match.Play(k_Rock, k_Paper);
            Assert.That(Seen(match, 0), Is.EqualTo(new[] { 9, 2, 1 }));
        }

        [Test]
        public void PaidByMatchTheLastRewardIsTheResult()
        {
            var match = new RockPaperScissorsMatch(new RockPaperScissorsSettings(rounds: 3, paidBy: PaidBy.Match));
            Assert.That(match.Play(k_Rock, k_Scissors), Is.EqualTo(0));
            Assert.That(match.Play(k_Rock, k_Scissors), Is.EqualTo(0));
            Assert.That(match.Play(k_Rock, k_Paper), Is.EqualTo(1));  // won 2 : 1, though the last round was lost
            Assert.That(match.IsOver);
        }

        [Test]
        public void AMatchThatIsOverIsNotPlayedOn()
        {
            var match = new RockPaperScissorsMatch(new RockPaperScissorsSettings(rounds: 1));
            match.Play(k_Rock, k_Rock);
            Assert.Throws<InvalidOperationException>(() => match.Play(k_Rock, k_Rock));
        }

        [Test]
        public void SettingsOutOfRangeAreRefusedByName()
        {
            Refused("rounds is 0", () => new RockPaperScissorsSettings(rounds: 0));
            Refused("rounds is 2.5", () => new RockPaperScissorsSettings(rounds: 2.5));
            Refused("recall is 0", () => new RockPaperScissorsSettings(recall: 0));
            Refused("rock_vs_paper is NaN", () => new RockPaperScissorsSettings(rockVsPaper: double.NaN));
        }

        [Test]
        public void OnlyThreeMovesExist()
        {
            var match = new RockPaperScissorsMatch(new RockPaperScissorsSettings());
            Assert.Throws<ArgumentOutOfRangeException>(() => match.Play(3, 0));
        }

        static int[] Seen(RockPaperScissorsMatch match, int seat)
        {
            var seen = new float[match.ObservationSize];
            match.Observe(seat, seen);
            var slots = new int[seen.Length / RockPaperScissorsMatch.SlotSize];
            for (int slot = 0; slot < slots.Length; slot++)
            {
                slots[slot] = Array.IndexOf(seen, 1f, slot * RockPaperScissorsMatch.SlotSize) % RockPaperScissorsMatch.SlotSize;
            }
            return slots;
        }

        static void Refused(string beginning, TestDelegate make)
        {
            Assert.That(Assert.Throws<ArgumentException>(make).Message.StartsWith(beginning));
        }
    }
}
