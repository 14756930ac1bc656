using System;
using System.IO;
using System.Linq;
using Unity.MLAgents.SideChannels;
using UnityEngine;

namespace Unity.MLAgents
{
    /// <summary>Not Unity: steps all agents together, and speaks with the trainer for them.</summary>
    public class Academy : IDisposable
    {
        const string k_PortFlag = "--mlagents-port";

        static Academy s_Instance;

        readonly GameObject m_Stepper;
        bool m_HadFirstReset;

        Academy()
        {
            ResetEvents();
            EnvironmentParameters = new EnvironmentParameters();
            StatsRecorder = new StatsRecorder();
            m_Stepper = new GameObject("Academy");
            m_Stepper.AddComponent<Stepper>();
            int port = PortOf(Environment.GetCommandLineArgs());
            if (port > 0)
            {
                Connect(port);
            }
        }

        public static bool IsInitialized
        {
            get { return s_Instance != null; }
        }

        public static Academy Instance
        {
            get { return s_Instance = s_Instance ?? new Academy(); }
        }

        public event Action OnEnvironmentReset;

        public event Action<int> AgentPreStep;

        internal event Action AgentSendState, AgentAct, AgentForceReset;

        public bool IsCommunicatorOn
        {
            get { return Communicator != null; }
        }

        public int NumAreas { get; private set; }

        public int StepCount { get; private set; }

        public EnvironmentParameters EnvironmentParameters { get; private set; }

        public StatsRecorder StatsRecorder { get; private set; }

        public bool AutomaticSteppingEnabled
        {
            get { return m_Stepper.activeInHierarchy; }
            set { m_Stepper.SetActive(value); }
        }

        internal Communicator Communicator { get; private set; }

        /// <summary>One step: agents ask, the trainer answers, agents act.</summary>
        public void EnvironmentStep()
        {
            if (!m_HadFirstReset)
            {
                ForcedFullReset();
            }
            AgentPreStep(StepCount);
            StepCount++;
            AgentSendState();
            if (Communicator != null && Communicator.HasNews)
            {
                Decide();
            }
            AgentAct();
        }

        public void Dispose()
        {
            if (Communicator != null)
            {
                Communicator.Dispose();
                Communicator = null;
            }
            SideChannelManager.Clear();
            ResetEvents();
            UnityEngine.Object.Destroy(m_Stepper);
            s_Instance = null;
        }

        static int PortOf(string[] words)
        {
            int flag = Array.IndexOf(words, k_PortFlag);
            int port;
            return flag >= 0 && int.TryParse(words.ElementAtOrDefault(flag + 1), out port) ? port : -1;
        }

        void Connect(int port)
        {
            try
            {
                Communicator = new Communicator(port);
                NumAreas = Communicator.NumAreas;
                UnityEngine.Random.InitState(Communicator.Seed);
            }
            catch (HandshakeException error)
            {
                Debug.Log(error.Message);  // as in Unity, the scene then plays on without a trainer
            }
        }

        void Decide()
        {
            try
            {
                if (Communicator.Decide())
                {
                    ForcedFullReset();
                }
            }
            catch (IOException error)
            {
                Debug.Log(error.Message);
                Application.Quit();
            }
        }

        void ForcedFullReset()
        {
            m_HadFirstReset = true;
            StepCount = 0;
            OnEnvironmentReset();
            AgentForceReset();
        }

        void ResetEvents()
        {
            OnEnvironmentReset = () => { };
            AgentPreStep = step => { };
            AgentSendState = () => { };
            AgentAct = () => { };
            AgentForceReset = () => { };
        }

        sealed class Stepper : MonoBehaviour
        {
            void FixedUpdate()
            {
                Instance.EnvironmentStep();
            }
        }
    }
}
