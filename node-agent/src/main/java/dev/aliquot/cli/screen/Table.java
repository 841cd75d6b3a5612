package dev.aliquot.cli.screen;

import java.util.ArrayList;
import java.util.List;

/**
 * Rows of cells in columns as wide as their widest cell; numbers to the right. Colour codes take no
 * room. Not thread-safe.
 */
public final class Table {
  private static final String COLUMN_GAP = "  ";

  private final List<String[]> rows = new ArrayList<>();
  private final boolean[] right;

  /** Headings; one that begins with {@code >} makes its column right-aligned. */
  public Table(String... headings) {
    right = new boolean[headings.length];
    String[] names = new String[headings.length];
    for (int column = 0; column < headings.length; column++) {
      right[column] = headings[column].startsWith(">");
      names[column] = right[column] ? headings[column].substring(1) : headings[column];
    }
    rows.add(names);
  }

  /** Adds a row with a cell for each heading. */
  public Table row(Object... cells) {
    if (cells.length != right.length) {
      throw new IllegalArgumentException(cells.length + " cells for " + right.length + " headings");
    }
    String[] row = new String[cells.length];
    for (int column = 0; column < cells.length; column++) {
      row[column] = Ansi.harmless(String.valueOf(cells[column]));
    }
    rows.add(row);
    return this;
  }

  /** Whether nothing but the headings is there. */
  public boolean isEmpty() {
    return rows.size() == 1;
  }

  /** The lines, without blanks at their ends. */
  public List<String> lines() {
    int[] widths = new int[right.length];
    for (String[] row : rows) {
      for (int column = 0; column < row.length; column++) {
        widths[column] = Math.max(widths[column], Ansi.width(row[column]));
      }
    }
    List<String> lines = new ArrayList<>();
    for (String[] row : rows) {
      StringBuilder line = new StringBuilder();
      for (int column = 0; column < row.length; column++) {
        String blanks = " ".repeat(widths[column] - Ansi.width(row[column]));
        line.append(column == 0 ? "" : COLUMN_GAP)
            .append(right[column] ? blanks + row[column] : row[column] + blanks);
      }
      lines.add(line.toString().stripTrailing());
    }
    return lines;
  }
}
