using UnityEngine;

namespace SelfPlay
{
    /// <summary>Reads the keyboard for the person who plays the seat of this game object.</summary>
    public sealed class PersonInput : MonoBehaviour
    {
        /// <summary>Stands for no choice.</summary>
        public const int None = -1;

        /// <summary>The move chosen with R, P or S since the last one was used: 0, 1, 2, or <see cref="None"/>.</summary>
        public int Choice { get; private set; }

        /// <summary>Where the arrow keys point; each part is -1, 0 or 1.</summary>
        public Vector2 Direction { get; private set; }

        /// <summary>Forgets the choice, because it has been played.</summary>
        public void ClearChoice()
        {
            Choice = None;
        }

        void Awake()
        {
            ClearChoice();
        }

        void Update()
        {
            if (Input.GetKeyDown(KeyCode.R))
            {
                Choice = 0;
            }
            else if (Input.GetKeyDown(KeyCode.P))
            {
                Choice = 1;
            }
            else if (Input.GetKeyDown(KeyCode.S))
            {
                Choice = 2;
            }
            Direction = new Vector2(
                Axis(KeyCode.LeftArrow, KeyCode.RightArrow), Axis(KeyCode.DownArrow, KeyCode.UpArrow));
        }

        static float Axis(KeyCode back, KeyCode forward)
        {
            return (Input.GetKey(forward) ? 1f : 0f) - (Input.GetKey(back) ? 1f : 0f);
        }
    }
}
