using System;
using Unity.MLAgents;
using UnityEngine;

namespace SelfPlay
{
    /// <summary>Starts a scene: builds as many arenas as the trainer asks for, and ends a build that nobody trains.</summary>
    public sealed class ArenaLauncher : MonoBehaviour
    {
        const string k_PortFlag = "--mlagents-port";
        const float k_Distance = 8f;  // metres between the middles of two arenas
        const int k_ArenasInRow = 8;

        [SerializeField] Game m_Game;

        void Awake()
        {
            Application.runInBackground = true;
            SelfPlayChannel.Open();
            if (IsHeadless)
            {
                Application.logMessageReceived += EndAtException;
            }
            BuildArenas(Math.Max(1, Academy.Instance.NumAreas));  // 0 without a trainer
        }

        void Start()
        {
            if (IsHeadless && WasStartedByTrainer && !Academy.Instance.IsCommunicatorOn)
            {
                Debug.LogError("SelfPlay: " + k_PortFlag + " was given, but no trainer of this version answers there");
                Application.Quit((int)ExitStatus.NoTrainer);
            }
        }

        void OnDestroy()
        {
            Application.logMessageReceived -= EndAtException;
            SelfPlayChannel.Close();
        }

        static bool IsHeadless
        {
            get { return Application.isBatchMode; }
        }

        static bool WasStartedByTrainer
        {
            get { return Array.IndexOf(Environment.GetCommandLineArgs(), k_PortFlag) >= 0; }
        }

        /// <summary>Without a screen nobody reads the console, and a trainer would wait for ever.</summary>
        static void EndAtException(string message, string stackTrace, LogType type)
        {
            if (type == LogType.Exception)
            {
                Application.Quit((int)ExitStatus.Failed);
            }
        }

        void BuildArenas(int count)
        {
            for (int area = 0; area < count; area++)
            {
                var place = new Vector3(area % k_ArenasInRow * k_Distance, 0f, area / k_ArenasInRow * k_Distance);
                ArenaBuilder.Build(m_Game, place, ArenaBuilder.Nobody, !IsHeadless);
            }
        }
    }
}
