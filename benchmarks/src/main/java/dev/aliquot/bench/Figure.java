package dev.aliquot.bench;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.jspecify.annotations.Nullable;

/**
 * One measured figure.
 *
 * @param suite the suite it belongs to
 * @param name what was measured
 * @param value with Aliquot
 * @param unit of value and bare: ns, us, ms, MiB
 * @param bare the same without Aliquot in the same run, null where there is no such thing
 * @param goal what it is held against, in words; empty where there is no goal
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Figure(
    String suite, String name, double value, String unit, @Nullable Double bare, String goal) {

  /** What Aliquot adds; the value itself where there is nothing to compare with. */
  public double added() {
    return bare == null ? value : value - bare;
  }
}
