package dev.aliquot.agent.config;

import java.util.Collection;
import java.util.Locale;
import java.util.Optional;

/** Finds the known word that somebody probably meant. Pure functions, safe from any thread. */
public final class Nearest {
  private static final int LONGEST = 64;

  private Nearest() {}

  /** The known word nearest to {@code word}, where it is near enough to be a slip. */
  public static Optional<String> to(String word, Collection<String> known) {
    String lower = word.toLowerCase(Locale.ROOT).replace('_', '-');
    if (lower.length() > LONGEST) {
      return Optional.empty();
    }
    String best = null;
    int least = Math.max(2, lower.length() / 3) + 1;
    for (String candidate : known) {
      int distance =
          distance(lower.replace("-", ""), candidate.toLowerCase(Locale.ROOT).replace("-", ""));
      if (distance < least) {
        least = distance;
        best = candidate;
      }
    }
    return Optional.ofNullable(best);
  }

  /** A phrase for an error: "did you mean 'x'?", or the list of what is known. */
  public static String hint(String word, Collection<String> known) {
    return to(word, known)
        .map(near -> "did you mean '" + near + "'?")
        .orElse("known are " + String.join(", ", known));
  }

  private static int distance(String a, String b) {
    int[] previous = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      previous[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int[] row = new int[b.length() + 1];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int change = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(change, Math.min(previous[j], row[j - 1]) + 1);
      }
      previous = row;
    }
    return previous[b.length()];
  }
}
