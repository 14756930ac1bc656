// Signatures of what the project's scripts use of the Editor of Unity 6000.0; see UnityEngine.cs.
using System;
using UnityEngine;
using UnityEngine.SceneManagement;
using Object = UnityEngine.Object;

namespace UnityEditor
{
    [AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
    public sealed class MenuItem : Attribute
    {
        public MenuItem(string itemName) => throw null;
    }

    public sealed class EditorApplication
    {
        public static void Exit(int returnValue) => throw null;
    }

    public class EditorBuildSettings : Object
    {
        public static EditorBuildSettingsScene[] scenes { get => throw null; set => throw null; }
    }

    public class EditorBuildSettingsScene
    {
        public string path { get => throw null; set => throw null; }
    }

    public sealed class PlayerSettings : Object
    {
        public static bool runInBackground { get => throw null; set => throw null; }
    }

    public enum BuildTarget
    {
        StandaloneLinux64 = 24
    }

    [Flags]
    public enum BuildOptions
    {
        None = 0
    }

    public struct BuildPlayerOptions
    {
        public string[] scenes { get => throw null; set => throw null; }

        public string locationPathName { get => throw null; set => throw null; }

        public BuildTarget target { get => throw null; set => throw null; }

        public BuildOptions options { get => throw null; set => throw null; }
    }

    public class BuildPipeline
    {
        public static Build.Reporting.BuildReport BuildPlayer(BuildPlayerOptions buildPlayerOptions) => throw null;
    }

    public sealed class AssetDatabase
    {
        public static T LoadAssetAtPath<T>(string assetPath) where T : Object => throw null;
    }

    public class SerializedObject
    {
        public SerializedObject(Object obj) => throw null;

        public SerializedProperty FindProperty(string propertyPath) => throw null;

        public bool ApplyModifiedPropertiesWithoutUndo() => throw null;
    }

    public class SerializedProperty
    {
        public Object objectReferenceValue { get => throw null; set => throw null; }
    }
}

namespace UnityEditor.Build.Reporting
{
    public sealed class BuildReport : Object
    {
        public BuildSummary summary { get => throw null; }
    }

    public struct BuildSummary
    {
        public BuildResult result { get => throw null; }
    }

    public enum BuildResult
    {
        Succeeded = 1
    }
}

namespace UnityEditor.SceneManagement
{
    public enum NewSceneSetup
    {
        DefaultGameObjects = 1
    }

    public enum NewSceneMode
    {
        Single
    }

    public sealed class EditorSceneManager
    {
        public static bool SaveCurrentModifiedScenesIfUserWantsTo() => throw null;

        public static Scene NewScene(NewSceneSetup setup, NewSceneMode mode = NewSceneMode.Single) => throw null;

        public static bool SaveScene(Scene scene, string dstScenePath = "", bool saveAsCopy = false) => throw null;
    }
}
