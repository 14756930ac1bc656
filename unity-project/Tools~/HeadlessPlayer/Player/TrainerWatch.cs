using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading;

namespace SelfPlay.Headless
{
    /// <summary>Ends this process with its trainer, even with one that was killed, as gym_bridges/watch.py does and why.</summary>
    static class TrainerWatch
    {
        const int k_PollMilliseconds = 1000;

        /// <summary>Begins to watch, where there is a /proc to look into.</summary>
        public static void Begin()
        {
            int worker = ParentOf(Process.GetCurrentProcess().Id);
            if (worker > 0)
            {
                new Thread(() => Watch(worker, TrainerBehind(worker))) { IsBackground = true }.Start();
            }
        }

        static void Watch(int worker, int trainer)
        {
            int self = Process.GetCurrentProcess().Id;
            while (ParentOf(self) == worker && (trainer == 0 || ParentOf(worker) == trainer))
            {
                Thread.Sleep(k_PollMilliseconds);
            }
            if (ParentOf(self) == worker)
            {
                Process.GetProcessById(worker).Kill();  // a fork of the trainer, which would keep the port for ever
            }
            Environment.Exit(0);
        }

        /// <summary>Returns the process of which the worker is a fork, or 0 if it is none.</summary>
        static int TrainerBehind(int worker)
        {
            int parent = ParentOf(worker);
            return parent > 0 && CommandLine(parent) == CommandLine(worker) ? parent : 0;
        }

        /// <summary>Returns the parent of a process, 0 if that cannot be seen.</summary>
        static int ParentOf(int process)
        {
            try
            {
                string status = File.ReadAllText("/proc/" + process + "/stat");  // "id (name) state parent ..."
                return int.Parse(status.Substring(status.LastIndexOf(')') + 1).Split(' ').ElementAt(2));
            }
            catch (IOException)
            {
                return 0;
            }
        }

        static string CommandLine(int process)
        {
            try
            {
                return File.ReadAllText("/proc/" + process + "/cmdline");
            }
            catch (IOException)
            {
                return "";
            }
        }
    }
}
