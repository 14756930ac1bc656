using System;
using System.Collections.Generic;
using Unity.MLAgents.SideChannels;

namespace SelfPlay
{
    /// <summary>Hears from the other side of the wire who plays a team: the learner, or which snapshot.</summary>
    /// <remarks>A message is the team as an int32 and the player's name as a string.</remarks>
    public sealed class SelfPlayChannel : SideChannel
    {
        /// <summary>The channel's id on the wire.</summary>
        public const string Id = "3f6c1b52-6a0e-4d0c-9c5d-2f3e7a9b4d11";

        static SelfPlayChannel s_Open;

        readonly Dictionary<int, string> m_Players = new Dictionary<int, string>();

        SelfPlayChannel()
        {
            ChannelId = new Guid(Id);
        }

        /// <summary>Begins to listen.</summary>
        public static void Open()
        {
            if (s_Open == null)
            {
                s_Open = new SelfPlayChannel();
                SideChannelManager.RegisterSideChannel(s_Open);
            }
        }

        /// <summary>Listens no longer, and forgets what was heard.</summary>
        public static void Close()
        {
            if (s_Open != null)
            {
                SideChannelManager.UnregisterSideChannel(s_Open);
                s_Open = null;
            }
        }

        /// <summary>Returns who was last said to play a team, or null if nothing was said.</summary>
        public static string PlayerOf(int team)
        {
            string player = null;
            if (s_Open != null)
            {
                s_Open.m_Players.TryGetValue(team, out player);
            }
            return player;
        }

        /// <inheritdoc/>
        protected override void OnMessageReceived(IncomingMessage msg)
        {
            int team = msg.ReadInt32();
            m_Players[team] = msg.ReadString();
        }
    }
}
