using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Text;
using Unity.MLAgents.Actuators;
using Unity.MLAgents.SideChannels;
using UnityEngine;

namespace Unity.MLAgents
{
    /// <summary>No trainer answers, or one that speaks another version.</summary>
    sealed class HandshakeException : Exception
    {
        public HandshakeException(string message) : base(message)
        {
        }
    }

    /// <summary>What one agent tells the trainer in one step.</summary>
    sealed class AgentInfo
    {
        public int EpisodeId;
        public float Reward;
        public bool IsDone;
        public float[] Seen;
    }

    /// <summary>Our end of the wire, communicator API 1.5.0; docs/wire.md describes the exchange.</summary>
    /// <remarks>The numbers are those of the fields in ML-Agents' messages.</remarks>
    sealed class Communicator : IDisposable
    {
        const string k_ApiVersion = "1.5.0";
        const string k_Method = "/communicator_objects.UnityToExternalProto/Exchange";
        const int k_Ok = 200, k_Reset = 1;
        const int k_HandshakeSeconds = 60;
        const string k_ActionLogFlag = "--action-log";  // a file for a line with each action: behavior, episode, numbers

        readonly GrpcConnection m_Connection;
        readonly TextWriter m_ActionLog = OpenActionLog();
        readonly Dictionary<string, ActionSpec> m_Unannounced = new Dictionary<string, ActionSpec>();
        readonly Dictionary<string, List<AgentInfo>> m_Infos = new Dictionary<string, List<AgentInfo>>();
        readonly Dictionary<int, ActionBuffers> m_Actions = new Dictionary<int, ActionBuffers>();
        readonly Dictionary<string, ActionSpec> m_Specs = new Dictionary<string, ActionSpec>();

        /// <summary>Shakes hands with the trainer.</summary>
        /// <exception cref="HandshakeException">If there is none to play with.</exception>
        public Communicator(int port)
        {
            try
            {
                m_Connection = new GrpcConnection(port, k_Method);
                var capabilities = new ProtoWriter();
                for (int capability = 1; capability <= 7; capability++)
                {
                    capabilities.Bool(capability, true);
                }
                var introduction = new ProtoWriter()
                    .Text(1, "HeadlessPlayer").Text(2, k_ApiVersion).Text(7, "not-unity").Message(8, capabilities);
                ReadInvitation(Exchange(Output(new ProtoWriter().Message(2, introduction)), k_HandshakeSeconds));
                TakeAnswer(Exchange(Output(null), 0));  // its reset is the one that every scene begins with
            }
            catch (SocketException error)
            {
                throw new HandshakeException("port " + port + ": " + error.Message);
            }
            catch (IOException error)
            {
                throw new HandshakeException("port " + port + ": " + error.Message);
            }
        }

        public int Seed { get; private set; }

        public int NumAreas { get; private set; }

        /// <summary>Whether an agent has something to say.</summary>
        public bool HasNews
        {
            get { return m_Infos.Values.Any(infos => infos.Count > 0); }
        }

        /// <summary>Keeps what an agent tells until the next exchange.</summary>
        public void Put(string behaviorId, ActionSpec spec, AgentInfo info)
        {
            if (!m_Infos.ContainsKey(behaviorId))
            {
                m_Infos[behaviorId] = new List<AgentInfo>();
                m_Specs[behaviorId] = spec;
                m_Unannounced[behaviorId] = spec;
            }
            m_Infos[behaviorId].Add(info);
        }

        /// <summary>Tells the trainer the news, and takes its answer.</summary>
        /// <returns>Whether the trainer wants a reset instead of a step.</returns>
        /// <exception cref="IOException">If the trainer has left.</exception>
        public bool Decide()
        {
            var state = new ProtoWriter();
            foreach (KeyValuePair<string, List<AgentInfo>> pair in m_Infos.Where(pair => pair.Value.Count > 0))
            {
                var list = new ProtoWriter();
                foreach (AgentInfo info in pair.Value)
                {
                    list.Message(1, Encoded(info));
                }
                state.Message(2, new ProtoWriter().Text(1, pair.Key).Message(2, list));
            }
            state.Bytes(3, SideChannelManager.TakeOutgoing());
            var output = new ProtoWriter().Message(1, state);
            if (m_Unannounced.Count > 0)
            {
                output.Message(2, Announcement());
                m_Unannounced.Clear();
            }
            byte[] answer = Exchange(Output(output), 0);
            bool isReset = TakeAnswer(answer);
            foreach (List<AgentInfo> infos in m_Infos.Values)
            {
                infos.Clear();
            }
            return isReset;
        }

        /// <summary>Returns the trainer's last answer to an agent, or false if there is none.</summary>
        public bool TryTakeAction(int episodeId, out ActionBuffers action)
        {
            bool found = m_Actions.TryGetValue(episodeId, out action);
            m_Actions.Remove(episodeId);
            return found;
        }

        public void Dispose()
        {
            m_Connection.Dispose();
            m_ActionLog.Dispose();
        }

        static TextWriter OpenActionLog()
        {
            string[] words = Environment.GetCommandLineArgs();
            int flag = Array.IndexOf(words, k_ActionLogFlag);
            return flag < 0 ? TextWriter.Null : new StreamWriter(words[flag + 1]) { AutoFlush = true };
        }

        void Log(string behaviorId, int episode, ActionBuffers action)
        {
            if (m_ActionLog == TextWriter.Null)
            {
                return;
            }
            var line = new StringBuilder(behaviorId + " " + episode);
            for (int i = 0; i < action.ContinuousActions.Length; i++)
            {
                line.Append(' ').Append(action.ContinuousActions[i].ToString("G9", CultureInfo.InvariantCulture));
            }
            m_ActionLog.WriteLine(line);
        }

        byte[] Exchange(byte[] message, int timeoutSeconds)
        {
            byte[] reply = m_Connection.Call(message, timeoutSeconds);
            var reader = new ProtoReader(reply);
            byte[] input = new byte[0];
            int status = 0;
            while (reader.Next())
            {
                if (reader.Field == 1)
                {
                    status = Number(reader.Message, 1);
                }
                else if (reader.Field == 3)
                {
                    input = reader.Bytes;
                }
            }
            if (status != k_Ok)
            {
                throw new IOException("the trainer leaves, with status " + status);
            }
            return input;
        }

        void ReadInvitation(byte[] input)
        {
            string version = "";
            var reader = new ProtoReader(input);
            while (reader.Next())
            {
                if (reader.Field == 2)
                {
                    var asked = reader.Message;
                    while (asked.Next())
                    {
                        switch (asked.Field)
                        {
                            case 1:
                                Seed = asked.Int;
                                break;
                            case 2:
                                version = asked.Text;
                                break;
                            case 5:
                                NumAreas = asked.Int;
                                break;
                        }
                    }
                }
            }
            if (version.Split('.')[0] != k_ApiVersion.Split('.')[0])
            {
                throw new HandshakeException(
                    "the trainer speaks communicator API '" + version + "', which has to be compatible with " + k_ApiVersion);
            }
        }

        bool TakeAnswer(byte[] input)
        {
            bool isReset = false;
            var reader = new ProtoReader(input);
            while (reader.Next())
            {
                if (reader.Field != 1)
                {
                    continue;
                }
                var rlInput = reader.Message;
                while (rlInput.Next())
                {
                    switch (rlInput.Field)
                    {
                        case 1:
                            TakeActions(rlInput.Message);
                            break;
                        case 4:
                            isReset = rlInput.Int == k_Reset;
                            break;
                        case 5:
                            SideChannelManager.Deliver(rlInput.Bytes);
                            break;
                    }
                }
            }
            return isReset;
        }

        void TakeActions(ProtoReader entry)
        {
            string behaviorId = "";
            ProtoReader list = null;
            while (entry.Next())
            {
                if (entry.Field == 1)
                {
                    behaviorId = entry.Text;
                }
                else
                {
                    list = entry.Message;
                }
            }
            List<AgentInfo> asked = m_Infos[behaviorId].Where(info => !info.IsDone).ToList();
            int answered = 0;
            while (list != null && list.Next())
            {
                if (answered < asked.Count)
                {
                    int episode = asked[answered].EpisodeId;
                    m_Actions[episode] = Decoded(list.Message, m_Specs[behaviorId]);
                    Log(behaviorId, episode, m_Actions[episode]);
                }
                answered++;
            }
            if (answered != asked.Count)
            {
                throw new InvalidDataException(
                    behaviorId + ": the trainer answered " + asked.Count + " decisions with " + answered + " actions");
            }
        }

        static ActionBuffers Decoded(ProtoReader action, ActionSpec spec)
        {
            var continuous = new float[0];
            var discrete = new int[0];
            while (action.Next())
            {
                if (action.Field == 6)
                {
                    continuous = action.Floats;
                }
                else if (action.Field == 7)
                {
                    discrete = action.Ints(spec.NumDiscreteActions + 1);
                }
            }
            if (continuous.Length != spec.NumContinuousActions || discrete.Length != spec.NumDiscreteActions)
            {
                throw new InvalidDataException(
                    "the trainer answered with " + continuous.Length + " numbers and " + discrete.Length + " choices");
            }
            return new ActionBuffers(continuous, discrete);
        }

        ProtoWriter Announcement()
        {
            var announcement = new ProtoWriter();
            foreach (KeyValuePair<string, ActionSpec> pair in m_Unannounced)
            {
                var spec = new ProtoWriter()
                    .Int(1, pair.Value.NumContinuousActions)
                    .Int(2, pair.Value.NumDiscreteActions)
                    .Ints(3, pair.Value.BranchSizes);
                announcement.Message(5, new ProtoWriter().Text(7, pair.Key).Bool(8, true).Message(9, spec));
            }
            return announcement;
        }

        static ProtoWriter Encoded(AgentInfo info)
        {
            var seen = new ProtoWriter()
                .Ints(1, info.Seen.Length)
                .Message(4, new ProtoWriter().Floats(1, info.Seen))
                .Text(8, "VectorSensor_size" + info.Seen.Length);
            return new ProtoWriter()
                .Float(7, info.Reward)
                .Bool(8, info.IsDone)
                .Int(10, info.EpisodeId)
                .Message(13, seen);
        }

        static byte[] Output(ProtoWriter output)
        {
            var message = new ProtoWriter().Message(1, new ProtoWriter().Int(1, k_Ok));
            if (output != null)
            {
                message.Message(2, output);
            }
            return message.ToArray();
        }

        static int Number(ProtoReader reader, int field)
        {
            int number = 0;
            while (reader.Next())
            {
                number = reader.Field == field ? reader.Int : number;
            }
            return number;
        }
    }
}
