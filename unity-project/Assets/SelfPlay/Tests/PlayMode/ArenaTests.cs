using NUnit.Framework;
using Unity.MLAgents;
using Unity.MLAgents.Policies;
using UnityEngine;

namespace SelfPlay.Tests
{
    /// <summary>Arenas without a trainer: both agents act by their heuristics, the Academy is stepped by hand.</summary>
    public class ArenaTests
    {
        Arena m_Arena;

        [SetUp]
        public void StepByHand()
        {
            Academy.Instance.AutomaticSteppingEnabled = false;
        }

        [TearDown]
        public void CleanUp()
        {
            Object.DestroyImmediate(m_Arena.gameObject);
            Academy.Instance.Dispose();
        }

        [TestCase(Game.RockPaperScissors)]
        [TestCase(Game.SumoRing)]
        public void BothEpisodesEndInTheSameStepWithOppositeReturns(Game game)
        {
            m_Arena = ArenaBuilder.Build(game, Vector3.zero, ArenaBuilder.Nobody, false);
            SeatAgent first = m_Arena.AgentOf(0), second = m_Arena.AgentOf(1);
            for (int step = 0; step < 500; step++)
            {
                Step();
                Assert.That(second.CompletedEpisodes, Is.EqualTo(first.CompletedEpisodes));
                Assert.That(second.GetCumulativeReward(), Is.EqualTo(-first.GetCumulativeReward()));
            }
            Assert.That(first.CompletedEpisodes > 0);
            Assert.That(m_Arena.Wins(0) + m_Arena.Wins(1) + m_Arena.Draws, Is.EqualTo(first.CompletedEpisodes));
        }

        [Test]
        public void AMatchOfRockPaperScissorsLastsTenSteps()
        {
            m_Arena = ArenaBuilder.Build(Game.RockPaperScissors, Vector3.zero, ArenaBuilder.Nobody, false);
            for (int step = 1; step <= 30; step++)
            {
                Step();
                Assert.That(m_Arena.AgentOf(0).CompletedEpisodes, Is.EqualTo(step / 10));
            }
        }

        [Test]
        public void TheArenaWaitsForAPersonWhoHasNotChosen()
        {
            m_Arena = ArenaBuilder.Build(Game.RockPaperScissors, Vector3.zero, 0, false);
            for (int step = 0; step < 20; step++)
            {
                Step();
            }
            Assert.That(m_Arena.Status.StartsWith("round 0 of 10"));
        }

        [TestCase(Game.RockPaperScissors, 30)]
        [TestCase(Game.SumoRing, 10)]
        public void TheTwoTeamsDifferInTheirIdAlone(Game game, int observationSize)
        {
            m_Arena = ArenaBuilder.Build(game, Vector3.zero, ArenaBuilder.Nobody, false);
            for (int seat = 0; seat < Arena.Seats; seat++)
            {
                var behavior = m_Arena.AgentOf(seat).GetComponent<BehaviorParameters>();
                Assert.That(behavior.BehaviorName, Is.EqualTo(game.ToString()));
                Assert.That(behavior.TeamId, Is.EqualTo(seat));
                Assert.That(behavior.BehaviorType, Is.EqualTo(BehaviorType.Default));
                Assert.That(behavior.BrainParameters.VectorObservationSize, Is.EqualTo(observationSize));
            }
        }

        [Test]
        public void OnlyAPersonsSeatIsPlayedByHand()
        {
            m_Arena = ArenaBuilder.Build(Game.SumoRing, Vector3.zero, 1, false);
            Assert.That(m_Arena.AgentOf(0).Person == null);  // by Unity's operator: a missing component is not quite null
            Assert.That(m_Arena.AgentOf(1).Person != null);
            var behavior = m_Arena.AgentOf(1).GetComponent<BehaviorParameters>();
            Assert.That(behavior.BehaviorType, Is.EqualTo(BehaviorType.HeuristicOnly));
        }

        void Step()
        {
            Academy.Instance.EnvironmentStep();
            m_Arena.Resolve();
        }
    }
}
