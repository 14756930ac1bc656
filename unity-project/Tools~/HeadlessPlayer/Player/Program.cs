using System;
using System.IO;
using UnityEngine;

namespace SelfPlay.Headless
{
    /// <summary>Plays one scene of the project without Unity: HeadlessPlayer.exe SCENE [-logFile FILE] [--mlagents-port N]</summary>
    static class Program
    {
        const int k_Failed = 1, k_BadArguments = 2;

        static int Main(string[] words)
        {
            if (words.Length == 0 || words[0].StartsWith("-"))
            {
                Console.Error.WriteLine("usage: HeadlessPlayer.exe SCENE [-logFile FILE] [--mlagents-port N]");
                return k_BadArguments;
            }
            TextWriter console = Console.Error;
            OpenLog(words);
            TrainerWatch.Begin();
            try
            {
                Scene.Load(words[0]);
                return Engine.Run();
            }
            catch (Exception error)
            {
                Console.WriteLine(error);
                console.WriteLine("HeadlessPlayer: " + error.Message);
                return k_Failed;
            }
        }

        static void OpenLog(string[] words)
        {
            for (int word = 0; word + 1 < words.Length; word++)
            {
                if (words[word].ToLowerInvariant() == "-logfile" && words[word + 1] != "-")
                {
                    Console.SetOut(new StreamWriter(words[word + 1], true) { AutoFlush = true });
                }
            }
        }
    }
}
