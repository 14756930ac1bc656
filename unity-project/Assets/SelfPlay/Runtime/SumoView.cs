using SelfPlay.Core;
using UnityEngine;

namespace SelfPlay
{
    /// <summary>Shows a match in the sumo ring; team 0 is blue, team 1 red.</summary>
    [RequireComponent(typeof(SumoArena))]
    public sealed class SumoView : MonoBehaviour
    {
        const float k_RingHeight = 0.1f;  // metres
        const float k_BodyHeight = 0.8f;

        readonly Transform[] m_Bodies = new Transform[Arena.Seats];
        SumoArena m_Arena;
        Transform m_Ring;

        void Awake()
        {
            m_Arena = GetComponent<SumoArena>();
            m_Ring = Shapes.Add(PrimitiveType.Cylinder, "Ring", transform, new Color(0.9f, 0.85f, 0.7f));
            m_Bodies[0] = Shapes.Add(PrimitiveType.Cylinder, "Blue", transform, Shapes.ColorOf(0));
            m_Bodies[1] = Shapes.Add(PrimitiveType.Cylinder, "Red", transform, Shapes.ColorOf(1));
        }

        void Update()
        {
            float width = 2f * (float)m_Arena.Match.Radius;
            m_Ring.localScale = new Vector3(width, k_RingHeight / 2f, width);
            for (int seat = 0; seat < Arena.Seats; seat++)
            {
                SumoBody body = m_Arena.Match.Body(seat);
                float thickness = 2f * (float)SumoMatch.BodyRadius;
                m_Bodies[seat].localScale = new Vector3(thickness, k_BodyHeight / 2f, thickness);
                m_Bodies[seat].localPosition = new Vector3((float)body.X, k_BodyHeight / 2f, (float)body.Y);
            }
        }
    }
}
