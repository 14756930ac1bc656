using System;
using System.IO;
using System.Text;

namespace Unity.MLAgents
{
    /// <summary>Writes the fields of one protobuf message, one after the other.</summary>
    sealed class ProtoWriter
    {
        const int k_Varint = 0, k_Bytes = 2, k_Fixed32 = 5;

        readonly MemoryStream m_Bytes = new MemoryStream();

        public ProtoWriter Int(int field, long value)
        {
            if (value != 0)
            {
                Tag(field, k_Varint);
                Varint((ulong)value);
            }
            return this;
        }

        public ProtoWriter Bool(int field, bool value)
        {
            return Int(field, value ? 1 : 0);
        }

        public ProtoWriter Float(int field, float value)
        {
            if (value != 0)
            {
                Tag(field, k_Fixed32);
                m_Bytes.Write(BitConverter.GetBytes(value), 0, sizeof(float));
            }
            return this;
        }

        public ProtoWriter Floats(int field, float[] values)
        {
            var packed = new byte[sizeof(float) * values.Length];
            Buffer.BlockCopy(values, 0, packed, 0, packed.Length);
            return Bytes(field, packed);
        }

        public ProtoWriter Ints(int field, params int[] values)
        {
            var packed = new ProtoWriter();
            foreach (int value in values)
            {
                packed.Varint((ulong)value);
            }
            return Message(field, packed);
        }

        public ProtoWriter Text(int field, string value)
        {
            return Bytes(field, Encoding.UTF8.GetBytes(value));
        }

        public ProtoWriter Bytes(int field, byte[] value)
        {
            Tag(field, k_Bytes);
            Varint((ulong)value.Length);
            m_Bytes.Write(value, 0, value.Length);
            return this;
        }

        public ProtoWriter Message(int field, ProtoWriter message)
        {
            return Bytes(field, message.ToArray());
        }

        public byte[] ToArray()
        {
            return m_Bytes.ToArray();
        }

        void Tag(int field, int kind)
        {
            Varint((ulong)(field << 3 | kind));
        }

        void Varint(ulong value)
        {
            while (value > 0x7F)
            {
                m_Bytes.WriteByte((byte)(value & 0x7F | 0x80));
                value >>= 7;
            }
            m_Bytes.WriteByte((byte)value);
        }
    }

    /// <summary>Reads the fields of one protobuf message: `while (Next())`, then the one that fits <see cref="Field"/>.</summary>
    sealed class ProtoReader
    {
        const int k_Varint = 0, k_Fixed64 = 1, k_Bytes = 2, k_Fixed32 = 5;

        readonly byte[] m_Bytes;
        readonly int m_End;
        int m_At, m_Kind;
        ulong m_Number;
        int m_Start, m_Size;

        public ProtoReader(byte[] bytes) : this(bytes, 0, bytes.Length)
        {
        }

        ProtoReader(byte[] bytes, int start, int size)
        {
            m_Bytes = bytes;
            m_At = start;
            m_End = start + size;
        }

        /// <summary>Number of the field that was read last.</summary>
        public int Field { get; private set; }

        public int Int
        {
            get { return (int)m_Number; }
        }

        public string Text
        {
            get { return Encoding.UTF8.GetString(m_Bytes, m_Start, m_Size); }
        }

        public byte[] Bytes
        {
            get
            {
                var copy = new byte[m_Size];
                Buffer.BlockCopy(m_Bytes, m_Start, copy, 0, m_Size);
                return copy;
            }
        }

        public ProtoReader Message
        {
            get { return new ProtoReader(m_Bytes, m_Start, m_Size); }
        }

        /// <summary>Reads a packed field of floats.</summary>
        public float[] Floats
        {
            get
            {
                var values = new float[m_Size / sizeof(float)];
                Buffer.BlockCopy(m_Bytes, m_Start, values, 0, m_Size);
                return values;
            }
        }

        /// <summary>Reads a packed field of at most <paramref name="most"/> small integers.</summary>
        public int[] Ints(int most)
        {
            var values = new int[most];
            var packed = Message;
            int count = 0;
            while (packed.m_At < packed.m_End && count < most)
            {
                values[count++] = (int)packed.Varint();
            }
            Array.Resize(ref values, count);
            return values;
        }

        /// <summary>Moves on to the next field; false at the end.</summary>
        public bool Next()
        {
            if (m_At >= m_End)
            {
                return false;
            }
            ulong tag = Varint();
            Field = (int)(tag >> 3);
            m_Kind = (int)(tag & 7);
            if (m_Kind == k_Varint)
            {
                m_Number = Varint();
                return true;
            }
            m_Size = m_Kind == k_Bytes ? (int)Varint() : m_Kind == k_Fixed32 ? 4 : m_Kind == k_Fixed64 ? 8 : -1;
            m_Start = m_At;
            m_At += m_Size;
            if (m_Size < 0 || m_At > m_End)
            {
                throw new InvalidDataException("a message ends inside its field " + Field);
            }
            return true;
        }

        ulong Varint()
        {
            ulong value = 0;
            for (int shift = 0; shift < 64; shift += 7)
            {
                if (m_At >= m_End)
                {
                    throw new InvalidDataException("a message ends inside a number");
                }
                byte next = m_Bytes[m_At++];
                value |= (ulong)(next & 0x7F) << shift;
                if (next < 0x80)
                {
                    return value;
                }
            }
            throw new InvalidDataException("a number has more than 64 bits");
        }
    }
}
