using System;
using System.Globalization;
using System.Text;
using SelfPlay.Core;

/// <summary>
/// Plays matches by actions that are given, and writes every state with all its digits, for a comparison with the Python twin.
/// Lines in: "sumo SEED x0 y0 x1 y1 ..." and "rps move0 move1 ..."; lines out: the numbers of the states, one after the other.
/// </summary>
static class Program
{
    static void Main()
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        string line;
        while ((line = Console.In.ReadLine()) != null)
        {
            string[] words = line.Split(' ');
            Console.Out.WriteLine(words[0] == "sumo" ? Sumo(words) : RockPaperScissors(words));
        }
    }

    static string Sumo(string[] words)
    {
        var match = new SumoMatch(new SumoSettings(), ulong.Parse(words[1]));
        var text = new StringBuilder();
        var seen = new float[SumoMatch.ObservationSize];
        Append(text, match, seen);
        for (int word = 2; word + 3 < words.Length && !match.IsOver; word += 4)
        {
            match.Advance(
                new[] { float.Parse(words[word]), float.Parse(words[word + 1]) },
                new[] { float.Parse(words[word + 2]), float.Parse(words[word + 3]) });
            Append(text, match, seen);
        }
        return text.ToString().TrimEnd();
    }

    static void Append(StringBuilder text, SumoMatch match, float[] seen)
    {
        for (int seat = 0; seat < SumoMatch.Seats; seat++)
        {
            SumoBody body = match.Body(seat);
            foreach (double number in new[] { body.X, body.Y, body.VelocityX, body.VelocityY })
            {
                text.Append(number.ToString("G17")).Append(' ');
            }
        }
        text.Append(match.Radius.ToString("G17")).Append(' ').Append(match.IsOver ? 1 : 0).Append(' ').Append(match.Result).Append(' ');
        for (int seat = 0; seat < SumoMatch.Seats; seat++)
        {
            match.Observe(seat, seen);
            foreach (float number in seen)
            {
                text.Append(number.ToString("G9")).Append(' ');
            }
        }
    }

    static string RockPaperScissors(string[] words)
    {
        var match = new RockPaperScissorsMatch(new RockPaperScissorsSettings());
        var text = new StringBuilder();
        var seen = new float[match.ObservationSize];
        for (int word = 1; word + 1 < words.Length && !match.IsOver; word += 2)
        {
            double paid = match.Play(int.Parse(words[word]), int.Parse(words[word + 1]));
            text.Append(paid.ToString("G17")).Append(' ').Append(match.IsOver ? 1 : 0).Append(' ');
            for (int seat = 0; seat < RockPaperScissorsMatch.Seats; seat++)
            {
                match.Observe(seat, seen);
                for (int place = 0; place < seen.Length; place++)
                {
                    if (seen[place] == 1)
                    {
                        text.Append(place).Append(' ');
                    }
                }
            }
        }
        return text.ToString().TrimEnd();
    }
}
