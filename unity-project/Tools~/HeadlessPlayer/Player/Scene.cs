using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text.RegularExpressions;
using UnityEngine;

namespace SelfPlay.Headless
{
    /// <summary>Reads of a Unity scene what this player can play: game objects, and their scripts with plain fields.</summary>
    static class Scene
    {
        const string k_GameObject = "1", k_Script = "114";  // Unity's numbers of classes

        static readonly Regex s_Document = new Regex(@"^--- !u!(\d+) &(\d+)", RegexOptions.Multiline);
        static readonly Regex s_Field = new Regex(@"^  (\w+): (.*)$", RegexOptions.Multiline);
        static readonly Regex s_Guid = new Regex(@"guid: ([0-9a-f]{32})");
        static readonly Regex s_FileId = new Regex(@"fileID: (\d+)");

        /// <summary>Builds what stands in the scene, and wakes it.</summary>
        /// <exception cref="InvalidDataException">If a script of the project is named there and cannot be found.</exception>
        public static void Load(string path)
        {
            string text = File.ReadAllText(path);
            Dictionary<string, string> classes = ClassesByGuid(AssetsAbove(path));
            var objects = new Dictionary<string, GameObject>();
            List<string[]> documents = Documents(text).ToList();
            foreach (string[] document in documents.Where(document => document[0] == k_GameObject))
            {
                objects[document[1]] = new GameObject(FieldsOf(document[2])["m_Name"]);
                objects[document[1]].SetActive(false);
            }
            foreach (string[] document in documents.Where(document => document[0] == k_Script))
            {
                AddScript(FieldsOf(document[2]), classes, objects);
            }
            foreach (GameObject one in objects.Values)
            {
                one.SetActive(true);
            }
        }

        static void AddScript(
            Dictionary<string, string> fields, Dictionary<string, string> classes, Dictionary<string, GameObject> objects)
        {
            string guid = s_Guid.Match(fields["m_Script"]).Groups[1].Value, name;
            if (!classes.TryGetValue(guid, out name))
            {
                throw new InvalidDataException("the scene names a script with guid " + guid + ", which no .cs.meta has");
            }
            Type type = typeof(ArenaLauncher).Assembly.GetTypes().Single(one => one.Name == name);
            Component script = objects[s_FileId.Match(fields["m_GameObject"]).Groups[1].Value].AddComponent(type);
            foreach (FieldInfo field in type.GetFields(BindingFlags.Instance | BindingFlags.NonPublic))
            {
                string value;
                if (field.GetCustomAttribute<SerializeField>() != null && fields.TryGetValue(field.Name, out value))
                {
                    int number = int.Parse(value);
                    field.SetValue(script, field.FieldType.IsEnum ? Enum.ToObject(field.FieldType, number) : number);
                }
            }
        }

        static IEnumerable<string[]> Documents(string text)
        {
            List<Match> heads = s_Document.Matches(text).Cast<Match>().ToList();
            for (int i = 0; i < heads.Count; i++)
            {
                int end = i + 1 < heads.Count ? heads[i + 1].Index : text.Length;
                string body = text.Substring(heads[i].Index, end - heads[i].Index);
                yield return new[] { heads[i].Groups[1].Value, heads[i].Groups[2].Value, body };
            }
        }

        static Dictionary<string, string> FieldsOf(string document)
        {
            var fields = new Dictionary<string, string>();
            foreach (Match match in s_Field.Matches(document))
            {
                fields[match.Groups[1].Value] = match.Groups[2].Value.Trim();
            }
            return fields;
        }

        static Dictionary<string, string> ClassesByGuid(string assets)
        {
            return Directory.GetFiles(assets, "*.cs.meta", SearchOption.AllDirectories).ToDictionary(
                meta => s_Guid.Match(File.ReadAllText(meta)).Groups[1].Value,
                meta => Path.GetFileName(meta).Replace(".cs.meta", ""));
        }

        static string AssetsAbove(string path)
        {
            var folder = new FileInfo(path).Directory;
            while (folder != null && folder.Name != "Assets")
            {
                folder = folder.Parent;
            }
            if (folder == null)
            {
                throw new InvalidDataException(path + " is not in the Assets folder of a project");
            }
            return folder.FullName;
        }
    }
}
