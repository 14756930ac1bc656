using Unity.MLAgents.Actuators;
using Unity.MLAgents.Policies;
using Unity.MLAgents.Sensors;
using UnityEngine;

namespace Unity.MLAgents
{
    /// <summary>Not Unity: an agent that is decided for by the trainer, or by its heuristic.</summary>
    public abstract class Agent : MonoBehaviour
    {
        static int s_LastEpisodeId = -1;

        BehaviorParameters m_Behavior;
        VectorSensor m_Sensor;
        ActionBuffers m_Action;
        int m_EpisodeId;
        float m_Reward, m_CumulativeReward;
        bool m_IsInitialized, m_WantsDecision, m_WantsAction, m_IsKnown;  // to the trainer, under its present id

        public int CompletedEpisodes { get; private set; }

        public int StepCount { get; private set; }

        public virtual void Initialize()
        {
        }

        public virtual void OnEpisodeBegin()
        {
        }

        public virtual void CollectObservations(VectorSensor sensor)
        {
        }

        public virtual void OnActionReceived(ActionBuffers actions)
        {
        }

        public virtual void Heuristic(in ActionBuffers actionsOut)
        {
        }

        public void AddReward(float increment)
        {
            m_Reward += increment;
            m_CumulativeReward += increment;
        }

        public float GetCumulativeReward()
        {
            return m_CumulativeReward;
        }

        public void RequestDecision()
        {
            m_WantsDecision = true;
            m_WantsAction = true;
        }

        public void EndEpisode()
        {
            Tell(true);
            CompletedEpisodes++;
            BeginEpisode();
        }

        protected virtual void OnEnable()
        {
            if (m_IsInitialized)
            {
                return;
            }
            m_IsInitialized = true;
            m_Behavior = GetComponent<BehaviorParameters>();
            m_Sensor = new VectorSensor(m_Behavior.BrainParameters.VectorObservationSize);
            m_Action = ActionBuffers.Empty(m_Behavior.BrainParameters.ActionSpec);
            m_EpisodeId = ++s_LastEpisodeId;
            Academy.Instance.AgentSendState += SendInfo;
            Academy.Instance.AgentAct += Act;
            Academy.Instance.AgentForceReset += BeginEpisode;
            Initialize();
        }

        protected virtual void OnDisable()
        {
            if (Academy.IsInitialized)
            {
                Academy.Instance.AgentSendState -= SendInfo;
                Academy.Instance.AgentAct -= Act;
                Academy.Instance.AgentForceReset -= BeginEpisode;
            }
            m_IsInitialized = false;
        }

        bool IsRemote
        {
            get { return Academy.Instance.IsCommunicatorOn && m_Behavior.BehaviorType == BehaviorType.Default; }
        }

        void SendInfo()
        {
            if (m_WantsDecision)
            {
                m_WantsDecision = false;
                Tell(false);
                if (!IsRemote)
                {
                    m_Action = ActionBuffers.Empty(m_Behavior.BrainParameters.ActionSpec);
                    Heuristic(m_Action);
                }
            }
        }

        void Act()
        {
            if (m_WantsAction)
            {
                m_WantsAction = false;
                StepCount++;
                ActionBuffers answer;
                if (IsRemote && Academy.Instance.Communicator.TryTakeAction(m_EpisodeId, out answer))
                {
                    m_Action = answer;
                }
                OnActionReceived(m_Action);
            }
        }

        void Tell(bool isDone)
        {
            m_IsKnown = true;
            m_Sensor.Clear();
            CollectObservations(m_Sensor);
            if (IsRemote)
            {
                var info = new AgentInfo
                {
                    EpisodeId = m_EpisodeId, Reward = m_Reward, IsDone = isDone, Seen = m_Sensor.Take()
                };
                Academy.Instance.Communicator.Put(
                    m_Behavior.FullyQualifiedBehaviorName, m_Behavior.BrainParameters.ActionSpec, info);
            }
            m_Reward = 0;
        }

        void BeginEpisode()
        {
            if (m_IsKnown)
            {
                m_IsKnown = false;
                m_EpisodeId = ++s_LastEpisodeId;
            }
            StepCount = 0;
            m_Reward = 0;
            m_CumulativeReward = 0;
            m_WantsAction = false;
            m_WantsDecision = false;
            m_Action = ActionBuffers.Empty(m_Behavior.BrainParameters.ActionSpec);
            OnEpisodeBegin();
        }
    }
}
