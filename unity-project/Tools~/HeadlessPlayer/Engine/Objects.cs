using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;

namespace UnityEngine
{
    /// <summary>Not Unity: the base of game objects and components.</summary>
    public class Object
    {
        public virtual string name { get; set; }

        internal bool IsDestroyed { get; set; }

        public static bool operator ==(Object one, Object other)
        {
            return ReferenceEquals(Alive(one), Alive(other));
        }

        public static bool operator !=(Object one, Object other)
        {
            return !(one == other);
        }

        public override bool Equals(object other)
        {
            return ReferenceEquals(this, other);
        }

        public override int GetHashCode()
        {
            return base.GetHashCode();
        }

        public static void Destroy(Object obj, float t = 0.0F)
        {
            if (t > 0)
            {
                throw new NotSupportedException("Nothing is destroyed later here.");
            }
            DestroyImmediate(obj);
        }

        public static void DestroyImmediate(Object obj, bool allowDestroyingAssets = false)
        {
            var whole = obj as GameObject;
            if (whole != null)
            {
                whole.Destroy();
            }
            else if (obj is Component)
            {
                ((Component)obj).gameObject.Remove((Component)obj);
            }
        }

        static Object Alive(Object one)
        {
            return ReferenceEquals(one, null) || one.IsDestroyed ? null : one;
        }
    }

    /// <summary>Not Unity: something with components.</summary>
    public sealed class GameObject : Object
    {
        readonly List<Component> m_Components = new List<Component>();
        bool m_IsActive = true;

        public GameObject(string name)
        {
            this.name = name;
            transform = new Transform { gameObject = this };
        }

        public Transform transform { get; private set; }

        public bool activeInHierarchy
        {
            get { return m_IsActive && (transform.parent == null || transform.parent.gameObject.activeInHierarchy); }
        }

        public void SetActive(bool value)
        {
            m_IsActive = value;
            Refresh();
        }

        public T AddComponent<T>() where T : Component
        {
            return (T)AddComponent(typeof(T));
        }

        public Component AddComponent(Type componentType)
        {
            var component = (Component)Activator.CreateInstance(componentType, true);
            component.gameObject = this;
            m_Components.Add(component);
            component.Refresh();
            return component;
        }

        public T GetComponent<T>()
        {
            return m_Components.OfType<T>().FirstOrDefault();
        }

        internal void Refresh()
        {
            foreach (Component component in m_Components.ToArray())
            {
                component.Refresh();
            }
            foreach (Transform child in transform.Children.ToArray())
            {
                child.gameObject.Refresh();
            }
        }

        internal void Remove(Component component)
        {
            component.Discard();
            m_Components.Remove(component);
        }

        internal void Destroy()
        {
            foreach (Transform child in transform.Children.ToArray())
            {
                child.gameObject.Destroy();
            }
            foreach (Component component in m_Components.ToArray())
            {
                Remove(component);
            }
            transform.SetParent(null, false);
            IsDestroyed = true;
        }
    }

    /// <summary>Not Unity: a part of a game object.</summary>
    public class Component : Object
    {
        public override string name
        {
            get { return gameObject.name; }
            set { gameObject.name = value; }
        }

        public GameObject gameObject { get; internal set; }

        public Transform transform
        {
            get { return gameObject.transform; }
        }

        public T GetComponent<T>()
        {
            return gameObject.GetComponent<T>();
        }

        internal virtual void Refresh()
        {
        }

        internal virtual void Discard()
        {
            IsDestroyed = true;
        }
    }

    /// <summary>Not Unity: a component that can be switched off.</summary>
    public class Behaviour : Component
    {
    }

    /// <summary>Not Unity: a script; its messages are found by their names.</summary>
    public class MonoBehaviour : Behaviour
    {
        bool m_IsAwake, m_IsOn;
        Action m_Start, m_FixedUpdate, m_Update;

        internal int Order { get; private set; }

        internal override void Refresh()
        {
            bool on = gameObject.activeInHierarchy;
            if (on && !m_IsAwake)
            {
                m_IsAwake = true;
                var order = GetType().GetCustomAttribute<DefaultExecutionOrder>(true);
                Order = order == null ? 0 : order.order;
                m_Start = Message("Start");
                m_FixedUpdate = Message("FixedUpdate");
                m_Update = Message("Update");
                Call(Message("Awake"));
            }
            if (on != m_IsOn)
            {
                m_IsOn = on;
                if (on)
                {
                    Engine.Add(this);
                }
                else
                {
                    Engine.Remove(this);
                }
                Call(Message(on ? "OnEnable" : "OnDisable"));
            }
        }

        internal override void Discard()
        {
            if (m_IsOn)
            {
                m_IsOn = false;
                Engine.Remove(this);
                Call(Message("OnDisable"));
            }
            if (m_IsAwake)
            {
                Call(Message("OnDestroy"));
            }
            base.Discard();
        }

        internal void StartOnce()
        {
            Action start = m_Start;
            m_Start = null;
            Call(start);
        }

        internal void RunFixedUpdate()
        {
            Call(m_FixedUpdate);
        }

        internal void RunUpdate()
        {
            Call(m_Update);
        }

        static void Call(Action message)
        {
            if (message != null)
            {
                message();
            }
        }

        Action Message(string name)
        {
            const BindingFlags declared = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
            for (Type type = GetType(); type != typeof(MonoBehaviour); type = type.BaseType)
            {
                MethodInfo method = type.GetMethod(name, declared, null, Type.EmptyTypes, null);
                if (method != null)
                {
                    return (Action)Delegate.CreateDelegate(typeof(Action), this, method);
                }
            }
            return null;
        }
    }

    /// <summary>Not Unity: a place in the scene, relative to its parent.</summary>
    public class Transform : Component
    {
        internal readonly List<Transform> Children = new List<Transform>();

        public Transform parent { get; private set; }

        public Vector3 position { get; set; }

        public void SetParent(Transform parent, bool worldPositionStays)
        {
            if (this.parent != null)
            {
                this.parent.Children.Remove(this);
            }
            this.parent = parent;
            if (parent != null)
            {
                parent.Children.Add(this);
            }
        }
    }
}
