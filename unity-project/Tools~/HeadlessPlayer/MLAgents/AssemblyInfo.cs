using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("HeadlessPlayer")]
