using System;
using UnityEngine;
using Object = UnityEngine.Object;

namespace SelfPlay
{
    /// <summary>Makes the coloured shapes of the views.</summary>
    static class Shapes
    {
        /// <summary>What CreatePrimitive needs and a build would otherwise strip, because no script names it.</summary>
        static Type[] Kept
        {
            get
            {
                return new[]
                {
                    typeof(MeshFilter), typeof(MeshRenderer),
                    typeof(BoxCollider), typeof(CapsuleCollider), typeof(SphereCollider)
                };
            }
        }

        /// <summary>The colour of a team: blue for 0, red for 1.</summary>
        public static Color ColorOf(int team)
        {
            return team == 0 ? new Color(0.2f, 0.4f, 0.9f) : new Color(0.9f, 0.25f, 0.2f);
        }

        /// <summary>Adds a shape without a collider under a parent.</summary>
        public static Transform Add(PrimitiveType type, string name, Transform parent, Color color)
        {
            GameObject shape = GameObject.CreatePrimitive(type);
            shape.name = name;
            Object.Destroy(shape.GetComponent<Collider>());
            shape.transform.SetParent(parent, false);
            shape.GetComponent<Renderer>().material.color = color;
            return shape.transform;
        }
    }
}
