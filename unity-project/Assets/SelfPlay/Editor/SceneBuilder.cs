using System.IO;
using Unity.MLAgents.Policies;
using UnityEditor;
using UnityEditor.SceneManagement;
using UnityEngine;
using UnityEngine.SceneManagement;

namespace SelfPlay
{
    /// <summary>Makes scenes in which a person plays team 0 with the keyboard, against a trained model in team 1.</summary>
    public static class SceneBuilder
    {
        const string k_Models = "Assets/SelfPlay/Models";
        const string k_Scenes = "Assets/Scenes";
        const int k_Person = 0, k_Model = 1;

        /// <summary>R, P and S play against Models/RockPaperScissors.onnx.</summary>
        [MenuItem("SelfPlay/Play Rock-Paper-Scissors Yourself")]
        public static void PlayRockPaperScissors()
        {
            Make(Game.RockPaperScissors);
        }

        /// <summary>The arrow keys play against Models/SumoRing.onnx.</summary>
        [MenuItem("SelfPlay/Play Sumo Yourself")]
        public static void PlaySumo()
        {
            Make(Game.SumoRing);
        }

        static void Make(Game game)
        {
            if (!EditorSceneManager.SaveCurrentModifiedScenesIfUserWantsTo())
            {
                return;
            }
            Scene scene = EditorSceneManager.NewScene(NewSceneSetup.DefaultGameObjects, NewSceneMode.Single);
            Camera.main.transform.SetPositionAndRotation(new Vector3(0f, 6f, -3.5f), Quaternion.Euler(60f, 0f, 0f));
            Arena arena = ArenaBuilder.Build(game, Vector3.zero, k_Person, true);
            GiveModel(arena.AgentOf(k_Model).GetComponent<BehaviorParameters>(), game);
            EditorSceneManager.SaveScene(scene, k_Scenes + "/" + game + "Person.unity");
        }

        /// <summary>Puts the model into the Inspector's field, whose type these scripts need not know.</summary>
        static void GiveModel(BehaviorParameters behavior, Game game)
        {
            string path = k_Models + "/" + game + ".onnx";
            var model = AssetDatabase.LoadAssetAtPath<Object>(path);
            if (model == null)
            {
                Debug.LogWarning("SelfPlay: there is no " + path + ", so team 1 does anything; copy results/NAME/" +
                    Path.GetFileName(path) + " there, or put a model into Behavior Parameters");
                return;
            }
            var serialized = new SerializedObject(behavior);
            serialized.FindProperty("m_Model").objectReferenceValue = model;
            serialized.ApplyModifiedPropertiesWithoutUndo();
            behavior.BehaviorType = BehaviorType.InferenceOnly;
        }
    }
}
