using SelfPlay.Core;
using Unity.MLAgents;
using Unity.MLAgents.Actuators;
using Unity.MLAgents.Policies;
using UnityEngine;

namespace SelfPlay
{
    /// <summary>Puts arenas together, for the scenes, the Editor's menu and the tests alike.</summary>
    public static class ArenaBuilder
    {
        /// <summary>Stands for no seat.</summary>
        public const int Nobody = -1;

        /// <summary>Builds one arena with two agents and switches it on.</summary>
        /// <param name="game">Which game.</param>
        /// <param name="place">Where its middle is.</param>
        /// <param name="personSeat">The seat that a person plays, or <see cref="Nobody"/>.</param>
        /// <param name="isVisible">Whether there is something to see.</param>
        public static Arena Build(Game game, Vector3 place, int personSeat, bool isVisible)
        {
            var root = new GameObject(game + " arena");
            root.SetActive(false);
            root.transform.position = place;
            Arena arena = AddArena(root, game);
            var agents = new SeatAgent[Arena.Seats];
            for (int seat = 0; seat < Arena.Seats; seat++)
            {
                agents[seat] = AddAgent(arena, game, seat, seat == personSeat);
            }
            arena.Seat(agents);
            if (isVisible)
            {
                AddView(root, game);
            }
            root.SetActive(true);
            return arena;
        }

        static Arena AddArena(GameObject root, Game game)
        {
            if (game == Game.SumoRing)
            {
                return root.AddComponent<SumoArena>();
            }
            return root.AddComponent<RockPaperScissorsArena>();
        }

        static SeatAgent AddAgent(Arena arena, Game game, int seat, bool isPerson)
        {
            var body = new GameObject("Team " + seat);
            body.SetActive(false);
            body.transform.SetParent(arena.transform, false);
            SetUpBehavior(body.AddComponent<BehaviorParameters>(), arena, game, seat, isPerson);
            if (isPerson)
            {
                body.AddComponent<PersonInput>();
            }
            SeatAgent agent = game == Game.SumoRing
                ? (SeatAgent)body.AddComponent<SumoAgent>()
                : body.AddComponent<RockPaperScissorsAgent>();
            agent.Sit(arena, seat);
            var requester = body.AddComponent<DecisionRequester>();
            requester.DecisionPeriod = 1;
            body.SetActive(true);
            return agent;
        }

        static void SetUpBehavior(BehaviorParameters behavior, Arena arena, Game game, int seat, bool isPerson)
        {
            behavior.BehaviorName = game.ToString();
            behavior.TeamId = seat;
            behavior.BehaviorType = isPerson ? BehaviorType.HeuristicOnly : BehaviorType.Default;
            behavior.BrainParameters.VectorObservationSize = arena.ObservationSize;
            behavior.BrainParameters.NumStackedVectorObservations = 1;
            behavior.BrainParameters.ActionSpec = game == Game.SumoRing
                ? ActionSpec.MakeContinuous(SumoMatch.ActionSize)
                : ActionSpec.MakeDiscrete(RockPaperScissorsMatch.Moves);
        }

        static void AddView(GameObject root, Game game)
        {
            root.AddComponent<SelfPlayDisplay>();
            if (game == Game.SumoRing)
            {
                root.AddComponent<SumoView>();
            }
            else
            {
                root.AddComponent<RockPaperScissorsView>();
            }
        }
    }
}
