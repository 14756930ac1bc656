using System.IO;
using UnityEditor;
using UnityEditor.Build.Reporting;
using UnityEngine;

namespace SelfPlay
{
    /// <summary>Builds players from the command line: Unity -batchmode -nographics -quit -executeMethod SelfPlay.BuildScript.BuildLinux</summary>
    public static class BuildScript
    {
        const string k_Folder = "Build";

        /// <summary>Builds every scene of the build settings as Build/NAME.x86_64; a failure ends the Editor with status 1.</summary>
        [MenuItem("SelfPlay/Build For Linux")]
        public static void BuildLinux()
        {
            PlayerSettings.runInBackground = true;
            foreach (EditorBuildSettingsScene scene in EditorBuildSettings.scenes)
            {
                if (!Build(scene.path))
                {
                    Debug.LogError("SelfPlay: " + scene.path + " could not be built, see above");
                    if (Application.isBatchMode)
                    {
                        EditorApplication.Exit(1);
                    }
                    return;
                }
            }
        }

        static bool Build(string scene)
        {
            var options = new BuildPlayerOptions
            {
                scenes = new[] { scene },
                locationPathName = Path.Combine(k_Folder, Path.GetFileNameWithoutExtension(scene) + ".x86_64"),
                target = BuildTarget.StandaloneLinux64,
                options = BuildOptions.None
            };
            return BuildPipeline.BuildPlayer(options).summary.result == BuildResult.Succeeded;
        }
    }
}
