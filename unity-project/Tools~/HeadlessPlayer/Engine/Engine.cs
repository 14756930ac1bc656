using System;
using System.Collections.Generic;
using System.Linq;

namespace UnityEngine
{
    /// <summary>The loop: first Start, then FixedUpdate, then Update of every script that is on, in execution order.</summary>
    static class Engine
    {
        static readonly List<MonoBehaviour> s_Behaviours = new List<MonoBehaviour>();
        static MonoBehaviour[] s_InOrder;

        /// <summary>The status to end with, or null while the loop goes on.</summary>
        public static int? ExitCode { get; set; }

        public static void Add(MonoBehaviour behaviour)
        {
            s_Behaviours.Add(behaviour);
            s_InOrder = null;
        }

        public static void Remove(MonoBehaviour behaviour)
        {
            s_Behaviours.Remove(behaviour);
            s_InOrder = null;
        }

        /// <summary>Runs the loop as fast as it can until somebody quits.</summary>
        public static int Run()
        {
            while (ExitCode == null)
            {
                ForAll(behaviour => behaviour.StartOnce());
                ForAll(behaviour => behaviour.RunFixedUpdate());
                ForAll(behaviour => behaviour.RunUpdate());
            }
            return ExitCode.Value;
        }

        static void ForAll(Action<MonoBehaviour> message)
        {
            if (s_InOrder == null)
            {
                s_InOrder = s_Behaviours.OrderBy(behaviour => behaviour.Order).ToArray();
            }
            foreach (MonoBehaviour behaviour in s_InOrder)
            {
                if (ExitCode == null && !behaviour.IsDestroyed)
                {
                    message(behaviour);
                }
            }
        }
    }
}
