// Signatures of what the project's scripts use of Unity 6000.0, so that a compiler can check them where there is no Unity.
// Nothing here does anything. References.md names the page of the scripting reference for each.
using System;

namespace UnityEngine
{
    public class Object
    {
        public string name { get => throw null; set => throw null; }

        public static void Destroy(Object obj, float t = 0.0F) => throw null;

        public static void DestroyImmediate(Object obj, bool allowDestroyingAssets = false) => throw null;

        public static bool operator ==(Object x, Object y) => throw null;

        public static bool operator !=(Object x, Object y) => throw null;

        public override bool Equals(object other) => throw null;

        public override int GetHashCode() => throw null;
    }

    public sealed class GameObject : Object
    {
        public GameObject(string name) => throw null;

        public Transform transform { get => throw null; }

        public void SetActive(bool value) => throw null;

        public T AddComponent<T>() where T : Component => throw null;

        public T GetComponent<T>() => throw null;

        public static GameObject CreatePrimitive(PrimitiveType type) => throw null;
    }

    public class Component : Object
    {
        public GameObject gameObject { get => throw null; }

        public Transform transform { get => throw null; }

        public T GetComponent<T>() => throw null;
    }

    public class Behaviour : Component
    {
    }

    public class MonoBehaviour : Behaviour
    {
    }

    public class Transform : Component
    {
        public Vector3 position { get => throw null; set => throw null; }

        public Vector3 localPosition { get => throw null; set => throw null; }

        public Vector3 localScale { get => throw null; set => throw null; }

        public void SetParent(Transform parent, bool worldPositionStays) => throw null;

        public void SetPositionAndRotation(Vector3 position, Quaternion rotation) => throw null;
    }

    public sealed class Camera : Behaviour
    {
        public static Camera main { get => throw null; }
    }

    public class Collider : Component
    {
    }

    public class BoxCollider : Collider
    {
    }

    public class CapsuleCollider : Collider
    {
    }

    public class SphereCollider : Collider
    {
    }

    public sealed class MeshFilter : Component
    {
    }

    public class MeshRenderer : Renderer
    {
    }

    public class Renderer : Component
    {
        public Material material { get => throw null; set => throw null; }
    }

    public class Material : Object
    {
        public Color color { get => throw null; set => throw null; }
    }

    public enum PrimitiveType
    {
        Sphere,
        Cylinder = 2,
        Cube = 3
    }

    public struct Vector2
    {
        public float x, y;

        public Vector2(float x, float y) => throw null;
    }

    public struct Vector3
    {
        public float x, y, z;

        public Vector3(float x, float y, float z) => throw null;

        public static Vector3 zero { get => throw null; }
    }

    public struct Quaternion
    {
        public static Quaternion Euler(float x, float y, float z) => throw null;
    }

    public struct Color
    {
        public Color(float r, float g, float b) => throw null;
    }

    public struct Rect
    {
        public Rect(float x, float y, float width, float height) => throw null;
    }

    public static class Random
    {
        public static int Range(int minInclusive, int maxExclusive) => throw null;

        public static float Range(float minInclusive, float maxInclusive) => throw null;
    }

    public class Input
    {
        public static bool GetKey(KeyCode key) => throw null;

        public static bool GetKeyDown(KeyCode key) => throw null;
    }

    public enum KeyCode
    {
        P = 112,
        R = 114,
        S = 115,
        UpArrow = 273,
        DownArrow = 274,
        RightArrow = 275,
        LeftArrow = 276
    }

    public class GUI
    {
        public static void Box(Rect position, string text) => throw null;
    }

    public class Application
    {
        public delegate void LogCallback(string condition, string stackTrace, LogType type);

        public static event LogCallback logMessageReceived { add => throw null; remove => throw null; }

        public static bool runInBackground { get => throw null; set => throw null; }

        public static bool isBatchMode { get => throw null; }

        public static void Quit(int exitCode) => throw null;
    }

    public enum LogType
    {
        Exception = 4
    }

    public class Debug
    {
        public static void LogWarning(object message) => throw null;

        public static void LogError(object message) => throw null;
    }

    [AttributeUsage(AttributeTargets.Class)]
    public class DefaultExecutionOrder : Attribute
    {
        public DefaultExecutionOrder(int order) => throw null;
    }

    [AttributeUsage(AttributeTargets.Field)]
    public sealed class SerializeField : Attribute
    {
    }

    [AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
    public sealed class RequireComponent : Attribute
    {
        public RequireComponent(Type requiredComponent) => throw null;
    }
}

namespace UnityEngine.SceneManagement
{
    public struct Scene
    {
    }
}
