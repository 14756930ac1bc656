using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Unity.MLAgents.SideChannels;

namespace Unity.MLAgents.SideChannels
{
    /// <summary>Not Unity: one of several conversations beside the states and actions.</summary>
    public abstract class SideChannel
    {
        readonly List<byte[]> m_Outgoing = new List<byte[]>();

        public Guid ChannelId { get; protected set; }

        protected abstract void OnMessageReceived(IncomingMessage msg);

        internal void Receive(byte[] message)
        {
            OnMessageReceived(new IncomingMessage(message));
        }

        internal void Queue(byte[] message)
        {
            m_Outgoing.Add(message);
        }

        internal List<byte[]> TakeOutgoing()
        {
            var taken = new List<byte[]>(m_Outgoing);
            m_Outgoing.Clear();
            return taken;
        }
    }

    /// <summary>Not Unity: a message, read from its beginning.</summary>
    public class IncomingMessage : IDisposable
    {
        readonly BinaryReader m_Reader;

        public IncomingMessage(byte[] buffer)
        {
            m_Reader = new BinaryReader(new MemoryStream(buffer));
        }

        public int ReadInt32(int defaultValue = 0)
        {
            return m_Reader.ReadInt32();
        }

        public float ReadFloat32(float defaultValue = 0.0f)
        {
            return m_Reader.ReadSingle();
        }

        public string ReadString(string defaultValue = default(string))
        {
            return Encoding.ASCII.GetString(m_Reader.ReadBytes(m_Reader.ReadInt32()));
        }

        public void Dispose()
        {
            m_Reader.Dispose();
        }
    }

    /// <summary>Not Unity: knows all channels, and keeps what comes for those that are opened later.</summary>
    public static class SideChannelManager
    {
        const int k_IdSize = 16;

        static readonly Dictionary<Guid, SideChannel> s_Channels = new Dictionary<Guid, SideChannel>();
        static readonly List<KeyValuePair<Guid, byte[]>> s_Early = new List<KeyValuePair<Guid, byte[]>>();

        public static void RegisterSideChannel(SideChannel sideChannel)
        {
            s_Channels.Add(sideChannel.ChannelId, sideChannel);
            foreach (KeyValuePair<Guid, byte[]> message in s_Early.FindAll(early => early.Key == sideChannel.ChannelId))
            {
                s_Early.Remove(message);
                sideChannel.Receive(message.Value);
            }
        }

        public static void UnregisterSideChannel(SideChannel sideChannel)
        {
            s_Channels.Remove(sideChannel.ChannelId);
        }

        internal static void Clear()
        {
            s_Channels.Clear();
            s_Early.Clear();
        }

        /// <summary>Hands out the messages in the bytes of one field: id, length, and that many bytes each.</summary>
        internal static void Deliver(byte[] data)
        {
            var reader = new BinaryReader(new MemoryStream(data));
            while (reader.BaseStream.Position < data.Length)
            {
                var id = new Guid(reader.ReadBytes(k_IdSize));
                byte[] message = reader.ReadBytes(reader.ReadInt32());
                SideChannel channel;
                if (s_Channels.TryGetValue(id, out channel))
                {
                    channel.Receive(message);
                }
                else
                {
                    s_Early.Add(new KeyValuePair<Guid, byte[]>(id, message));
                }
            }
        }

        internal static byte[] TakeOutgoing()
        {
            using (var data = new MemoryStream())
            {
                var writer = new BinaryWriter(data);
                foreach (SideChannel channel in s_Channels.Values)
                {
                    foreach (byte[] message in channel.TakeOutgoing())
                    {
                        writer.Write(channel.ChannelId.ToByteArray());
                        writer.Write(message.Length);
                        writer.Write(message);
                    }
                }
                return data.ToArray();
            }
        }
    }
}

namespace Unity.MLAgents
{
    /// <summary>Not Unity: numbers that the trainer sets; samplers are drawn whenever they are asked for.</summary>
    public sealed class EnvironmentParameters
    {
        readonly Channel m_Channel = new Channel();

        internal EnvironmentParameters()
        {
            SideChannelManager.RegisterSideChannel(m_Channel);
        }

        public float GetWithDefault(string key, float defaultValue)
        {
            Func<float> parameter;
            return m_Channel.Parameters.TryGetValue(key, out parameter) ? parameter() : defaultValue;
        }

        sealed class Channel : SideChannel
        {
            const int k_Constant = 0, k_Uniform = 0, k_Gaussian = 1;

            public readonly Dictionary<string, Func<float>> Parameters = new Dictionary<string, Func<float>>();

            public Channel()
            {
                ChannelId = new Guid("534c891e-810f-11ea-a9d0-822485860400");
            }

            protected override void OnMessageReceived(IncomingMessage msg)
            {
                string name = msg.ReadString();
                if (msg.ReadInt32() == k_Constant)
                {
                    float value = msg.ReadFloat32();
                    Parameters[name] = () => value;
                    return;
                }
                var random = new Random(msg.ReadInt32());
                int kind = msg.ReadInt32();
                float first = msg.ReadFloat32(), second = msg.ReadFloat32();
                if (kind == k_Uniform)
                {
                    Parameters[name] = () => first + (float)random.NextDouble() * (second - first);
                }
                else if (kind == k_Gaussian)
                {
                    Parameters[name] = () => first + second * Normal(random);
                }
                else
                {
                    throw new NotSupportedException(
                        "environment parameter '" + name + "': sampler type " + kind + ", but this player knows 0 and 1");
                }
            }

            /// <summary>Returns a standard normal number (Box and Muller 1958).</summary>
            static float Normal(Random random)
            {
                double radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
                return (float)(radius * Math.Cos(2 * Math.PI * random.NextDouble()));
            }
        }
    }

    public enum StatAggregationMethod
    {
        Average = 0
    }

    /// <summary>Not Unity: numbers for the trainer's summaries.</summary>
    public sealed class StatsRecorder
    {
        readonly Channel m_Channel = new Channel();

        internal StatsRecorder()
        {
            SideChannelManager.RegisterSideChannel(m_Channel);
        }

        public void Add(string key, float value, StatAggregationMethod aggregationMethod = StatAggregationMethod.Average)
        {
            byte[] name = Encoding.ASCII.GetBytes(key);
            using (var message = new MemoryStream())
            {
                var writer = new BinaryWriter(message);
                writer.Write(name.Length);
                writer.Write(name);
                writer.Write(value);
                writer.Write((int)aggregationMethod);
                m_Channel.Queue(message.ToArray());
            }
        }

        sealed class Channel : SideChannel
        {
            public Channel()
            {
                ChannelId = new Guid("a1d8f7b7-cec8-50f9-b78b-d3e165a78520");
            }

            protected override void OnMessageReceived(IncomingMessage msg)
            {
            }
        }
    }
}
