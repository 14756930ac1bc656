using System.Reflection;
using Unity.MLAgents;
using Unity.MLAgents.Policies;
using UnityEngine;

namespace SelfPlay
{
    /// <summary>Shows self-play in the scene: for each team who plays it and what it has won.</summary>
    [RequireComponent(typeof(Arena))]
    public sealed class SelfPlayDisplay : MonoBehaviour
    {
        static readonly PropertyInfo s_Model = typeof(BehaviorParameters).GetProperty("Model");
        static readonly Rect s_Place = new Rect(10, 10, 420, 90);

        static SelfPlayDisplay s_Shown;  // the screen has room for one arena

        Arena m_Arena;

        /// <summary>Returns what is shown, a line each.</summary>
        public string[] Lines()
        {
            return new[] { Line(0), Line(1), m_Arena.Status + ", draws " + m_Arena.Draws };
        }

        void Awake()
        {
            m_Arena = GetComponent<Arena>();
        }

        void OnEnable()
        {
            if (s_Shown == null)
            {
                s_Shown = this;
            }
        }

        void OnDisable()
        {
            if (s_Shown == this)
            {
                s_Shown = null;
            }
        }

        void OnGUI()
        {
            if (s_Shown == this)
            {
                GUI.Box(s_Place, string.Join("\n", Lines()));
            }
        }

        string Line(int seat)
        {
            return "team " + seat + ": " + PlayerOf(seat) + ", " + m_Arena.Wins(seat) + " won";
        }

        string PlayerOf(int seat)
        {
            SeatAgent agent = m_Arena.AgentOf(seat);
            string heard = SelfPlayChannel.PlayerOf(seat);
            if (agent.Person != null)
            {
                return "you";
            }
            if (heard != null)
            {
                return heard;
            }
            if (Academy.Instance.IsCommunicatorOn)
            {
                return "learner or snapshot, as the trainer decides";
            }
            return ModelOf(agent.GetComponent<BehaviorParameters>()) ?? "any action, without a model";
        }

        /// <summary>Returns the name of the model in the Inspector, whose type these scripts need not know.</summary>
        static string ModelOf(BehaviorParameters behavior)
        {
            var model = s_Model == null ? null : s_Model.GetValue(behavior, null) as Object;
            return model == null ? null : model.name;
        }
    }
}
