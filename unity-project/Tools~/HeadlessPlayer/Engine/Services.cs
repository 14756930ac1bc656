using System;

namespace UnityEngine
{
    public enum LogType
    {
        Error,
        Assert,
        Warning,
        Log,
        Exception
    }

    /// <summary>Not Unity: a player without a screen.</summary>
    public static class Application
    {
        public delegate void LogCallback(string condition, string stackTrace, LogType type);

        public static event LogCallback logMessageReceived;

        public static bool runInBackground { get; set; }

        public static bool isBatchMode
        {
            get { return true; }
        }

        public static void Quit()
        {
            Quit(0);
        }

        public static void Quit(int exitCode)
        {
            Engine.ExitCode = Engine.ExitCode ?? exitCode;
        }

        internal static void Report(string condition, string stackTrace, LogType type)
        {
            if (logMessageReceived != null)
            {
                logMessageReceived(condition, stackTrace, type);
            }
        }
    }

    /// <summary>Not Unity: the log goes to the standard output.</summary>
    public static class Debug
    {
        public static void Log(object message)
        {
            Write(message, LogType.Log);
        }

        public static void LogError(object message)
        {
            Write(message, LogType.Error);
        }

        static void Write(object message, LogType type)
        {
            Console.WriteLine(message);
            Application.Report(Convert.ToString(message), "", type);
        }
    }

    /// <summary>Not Unity, and not its numbers either.</summary>
    public static class Random
    {
        static System.Random s_Random = new System.Random(0);

        public static void InitState(int seed)
        {
            s_Random = new System.Random(seed);
        }

        public static int Range(int minInclusive, int maxExclusive)
        {
            return s_Random.Next(minInclusive, maxExclusive);
        }

        public static float Range(float minInclusive, float maxInclusive)
        {
            return minInclusive + (float)s_Random.NextDouble() * (maxInclusive - minInclusive);
        }
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class DefaultExecutionOrder : Attribute
    {
        public DefaultExecutionOrder(int order)
        {
            this.order = order;
        }

        public int order { get; private set; }
    }

    [AttributeUsage(AttributeTargets.Field)]
    public sealed class SerializeField : Attribute
    {
    }

    [AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
    public sealed class RequireComponent : Attribute
    {
        public RequireComponent(Type requiredComponent)
        {
        }
    }

    public struct Vector2
    {
        public float x, y;

        public Vector2(float x, float y)
        {
            this.x = x;
            this.y = y;
        }
    }

    public struct Vector3
    {
        public float x, y, z;

        public Vector3(float x, float y, float z)
        {
            this.x = x;
            this.y = y;
            this.z = z;
        }

        public static Vector3 zero
        {
            get { return new Vector3(); }
        }
    }
}
