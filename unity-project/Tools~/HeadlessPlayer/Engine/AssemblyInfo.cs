using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Unity.ML-Agents")]
[assembly: InternalsVisibleTo("HeadlessPlayer")]
