using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Unity.MLAgents
{
    /// <summary>Calls one unary gRPC method again and again, over HTTP/2 without encryption, on this machine.</summary>
    /// <remarks>
    /// As much of RFC 9113 as that takes: one stream at a time, header fields sent as plain literals and not read at all (a call has
    /// failed if its stream ends without a message), flow control in both directions.
    /// </remarks>
    sealed class GrpcConnection : IDisposable
    {
        const byte k_Data = 0, k_Headers = 1, k_ResetStream = 3, k_Settings = 4, k_Ping = 6, k_GoAway = 7, k_WindowUpdate = 8;
        const byte k_EndStream = 1, k_Ack = 1, k_EndHeaders = 4, k_Padded = 8;
        const int k_InitialWindowSize = 4, k_MaxFrameSize = 5;  // ids of settings
        const int k_FrameHeader = 9, k_GrpcHeader = 5;
        const int k_Window = 1 << 30;  // bytes that the server may send before it has to wait
        const int k_TrainerLimit = 4 << 20;  // bytes of the largest message that gRPC's servers accept unless told otherwise
        static readonly byte[] s_Preface = Encoding.ASCII.GetBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

        readonly TcpClient m_Client = new TcpClient();
        readonly Stream m_In, m_Out;
        readonly byte[] m_RequestHeaders;
        readonly byte[] m_FrameHeader = new byte[k_FrameHeader];
        int m_StreamId = -1;
        int m_MaxFrame = 16384;
        long m_ConnectionWindow = 65535, m_StreamWindow, m_InitialWindow = 65535;  // what we may send
        int m_Unacknowledged;  // bytes received since the last window update
        MemoryStream m_Reply;
        bool m_HasEnded;

        /// <summary>Opens the connection.</summary>
        /// <exception cref="SocketException">If nobody listens at the port.</exception>
        public GrpcConnection(int port, string method)
        {
            m_Client.NoDelay = true;
            m_Client.Connect(IPAddress.Loopback, port);
            m_In = new BufferedStream(m_Client.GetStream(), 1 << 16);
            m_Out = new BufferedStream(m_Client.GetStream(), 1 << 16);
            m_RequestHeaders = RequestHeaders("127.0.0.1:" + port, method);
            m_Out.Write(s_Preface, 0, s_Preface.Length);
            WriteFrame(k_Settings, 0, 0, Concatenated(new byte[] { 0, k_InitialWindowSize }, BigEndian(k_Window)));
            WriteFrame(k_WindowUpdate, 0, 0, BigEndian(k_Window));
            m_Out.Flush();
        }

        /// <summary>Sends a message and returns the answer.</summary>
        /// <param name="message">The request.</param>
        /// <param name="timeoutSeconds">How long to wait for the answer; 0 waits for ever.</param>
        /// <exception cref="IOException">If the call failed, or the other end is gone.</exception>
        public byte[] Call(byte[] message, int timeoutSeconds)
        {
            if (message.Length > k_TrainerLimit)
            {
                throw new InvalidOperationException(
                    "the state of all areas takes " + message.Length + " bytes, more than the trainer accepts in one message: " +
                    "use fewer areas in more processes (--num-areas, --num-envs)");
            }
            m_Client.ReceiveTimeout = 1000 * timeoutSeconds;
            m_StreamId += 2;
            m_StreamWindow = m_InitialWindow;
            m_Reply = new MemoryStream();
            m_HasEnded = false;
            WriteFrame(k_Headers, k_EndHeaders, m_StreamId, m_RequestHeaders);
            Send(Concatenated(new byte[] { 0 }, BigEndian(message.Length), message));
            m_Out.Flush();
            while (!m_HasEnded)
            {
                ReadFrame();
            }
            if (m_Reply.Length < k_GrpcHeader)
            {
                throw new IOException("the trainer ended the call without an answer");
            }
            byte[] reply = m_Reply.ToArray();
            return Slice(reply, k_GrpcHeader, reply.Length - k_GrpcHeader);
        }

        public void Dispose()
        {
            m_Client.Close();
        }

        /// <summary>Sends the body of the request, as the server's windows allow.</summary>
        void Send(byte[] body)
        {
            int sent = 0;
            while (sent < body.Length)
            {
                long allowed = Math.Min(m_MaxFrame, Math.Min(m_ConnectionWindow, m_StreamWindow));
                if (allowed <= 0)
                {
                    m_Out.Flush();
                    ReadFrame();
                    if (m_HasEnded)
                    {
                        return;
                    }
                    continue;
                }
                int size = (int)Math.Min(allowed, body.Length - sent);
                bool isLast = sent + size == body.Length;
                WriteFrame(k_Data, isLast ? k_EndStream : (byte)0, m_StreamId, Slice(body, sent, size));
                sent += size;
                m_ConnectionWindow -= size;
                m_StreamWindow -= size;
            }
        }

        void ReadFrame()
        {
            ReadFully(m_FrameHeader);
            int size = m_FrameHeader[0] << 16 | m_FrameHeader[1] << 8 | m_FrameHeader[2];
            byte type = m_FrameHeader[3], flags = m_FrameHeader[4];
            int stream = Number(m_FrameHeader, 5) & int.MaxValue;
            var payload = new byte[size];
            ReadFully(payload);
            switch (type)
            {
                case k_Data:
                    TakeData(stream, flags, payload);
                    break;
                case k_Headers:
                    m_HasEnded |= stream == m_StreamId && (flags & k_EndStream) != 0;
                    break;
                case k_ResetStream:
                    m_HasEnded |= stream == m_StreamId;
                    break;
                case k_Settings:
                    if ((flags & k_Ack) == 0)
                    {
                        TakeSettings(payload);
                    }
                    break;
                case k_Ping:
                    if ((flags & k_Ack) == 0)
                    {
                        WriteFrame(k_Ping, k_Ack, 0, payload);
                        m_Out.Flush();
                    }
                    break;
                case k_GoAway:
                    if (Number(payload, 0) < m_StreamId)
                    {
                        throw new IOException("the trainer has closed the connection");
                    }
                    break;
                case k_WindowUpdate:
                    int more = Number(payload, 0) & int.MaxValue;
                    m_ConnectionWindow += stream == 0 ? more : 0;
                    m_StreamWindow += stream == m_StreamId ? more : 0;
                    break;
            }
        }

        void TakeData(int stream, byte flags, byte[] payload)
        {
            if (stream == m_StreamId)
            {
                int padding = (flags & k_Padded) != 0 ? payload[0] + 1 : 0;
                m_Reply.Write(payload, padding > 0 ? 1 : 0, payload.Length - padding);
                m_HasEnded |= (flags & k_EndStream) != 0;
            }
            m_Unacknowledged += payload.Length;
            if (m_Unacknowledged > k_Window / 2)
            {
                WriteFrame(k_WindowUpdate, 0, 0, BigEndian(m_Unacknowledged));
                m_Out.Flush();
                m_Unacknowledged = 0;
            }
        }

        void TakeSettings(byte[] payload)
        {
            for (int at = 0; at + 6 <= payload.Length; at += 6)
            {
                int id = payload[at] << 8 | payload[at + 1], value = Number(payload, at + 2);
                if (id == k_InitialWindowSize)
                {
                    m_StreamWindow += value - m_InitialWindow;
                    m_InitialWindow = value;
                }
                else if (id == k_MaxFrameSize)
                {
                    m_MaxFrame = value;
                }
            }
            WriteFrame(k_Settings, k_Ack, 0, new byte[0]);
            m_Out.Flush();
        }

        void WriteFrame(byte type, byte flags, int stream, byte[] payload)
        {
            byte[] size = BigEndian(payload.Length);
            m_Out.Write(new[] { size[1], size[2], size[3], type, flags }, 0, 5);
            m_Out.Write(BigEndian(stream), 0, 4);
            m_Out.Write(payload, 0, payload.Length);
        }

        void ReadFully(byte[] bytes)
        {
            int read = 0;
            while (read < bytes.Length)
            {
                int more = m_In.Read(bytes, read, bytes.Length - read);
                if (more == 0)
                {
                    throw new IOException("the trainer has closed the connection");
                }
                read += more;
            }
        }

        /// <summary>The header fields of a call, as RFC 7541 writes them without compression.</summary>
        static byte[] RequestHeaders(string authority, string method)
        {
            const byte postMethod = 0x80 | 3, httpScheme = 0x80 | 6;  // whole entries of the static table
            const byte authorityName = 1, pathName = 4;  // names in the static table, below 15
            using (var fields = new MemoryStream())
            {
                fields.WriteByte(postMethod);
                fields.WriteByte(httpScheme);
                fields.WriteByte(pathName);
                WriteText(fields, method);
                fields.WriteByte(authorityName);
                WriteText(fields, authority);
                WriteField(fields, "content-type", "application/grpc");
                WriteField(fields, "te", "trailers");
                return fields.ToArray();
            }
        }

        static void WriteField(Stream fields, string name, string value)
        {
            fields.WriteByte(0);
            WriteText(fields, name);
            WriteText(fields, value);
        }

        static void WriteText(Stream fields, string text)
        {
            byte[] bytes = Encoding.ASCII.GetBytes(text);  // all of ours are shorter than 127
            fields.WriteByte((byte)bytes.Length);
            fields.Write(bytes, 0, bytes.Length);
        }

        static byte[] BigEndian(int number)
        {
            return new[] { (byte)(number >> 24), (byte)(number >> 16), (byte)(number >> 8), (byte)number };
        }

        static int Number(byte[] bytes, int at)
        {
            return bytes[at] << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3];
        }

        static byte[] Slice(byte[] bytes, int start, int size)
        {
            var part = new byte[size];
            Buffer.BlockCopy(bytes, start, part, 0, size);
            return part;
        }

        static byte[] Concatenated(params byte[][] parts)
        {
            using (var whole = new MemoryStream())
            {
                foreach (byte[] part in parts)
                {
                    whole.Write(part, 0, part.Length);
                }
                return whole.ToArray();
            }
        }
    }
}
