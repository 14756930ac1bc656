using UnityEngine;

namespace SelfPlay
{
    /// <summary>Shows the last round: a ball for rock, a flat plate for paper, a cross of blades for scissors.</summary>
    [RequireComponent(typeof(RockPaperScissorsArena))]
    public sealed class RockPaperScissorsView : MonoBehaviour
    {
        const float k_Apart = 1.5f;  // metres from the middle

        readonly Transform[,] m_Hands = new Transform[Arena.Seats, 3];
        RockPaperScissorsArena m_Arena;

        void Awake()
        {
            m_Arena = GetComponent<RockPaperScissorsArena>();
            for (int seat = 0; seat < Arena.Seats; seat++)
            {
                Color color = Shapes.ColorOf(seat);
                m_Hands[seat, 0] = Shapes.Add(PrimitiveType.Sphere, "Rock", transform, color);
                m_Hands[seat, 1] = Shapes.Add(PrimitiveType.Cube, "Paper", transform, color);
                m_Hands[seat, 1].localScale = new Vector3(1f, 0.05f, 1.4f);
                m_Hands[seat, 2] = Shapes.Add(PrimitiveType.Cube, "Scissors", transform, color);
                m_Hands[seat, 2].localScale = new Vector3(0.15f, 0.15f, 1.4f);
                Shapes.Add(PrimitiveType.Cube, "Blade", m_Hands[seat, 2], color).localScale = new Vector3(6f, 1f, 0.1f);
                for (int move = 0; move < 3; move++)
                {
                    m_Hands[seat, move].localPosition = new Vector3(seat == 0 ? -k_Apart : k_Apart, 0.5f, 0f);
                }
            }
        }

        void Update()
        {
            for (int seat = 0; seat < Arena.Seats; seat++)
            {
                for (int move = 0; move < 3; move++)
                {
                    bool isShown = m_Arena.LastMoves != null && m_Arena.LastMoves[seat] == move;
                    m_Hands[seat, move].gameObject.SetActive(isShown);
                }
            }
        }
    }
}
