package dev.aliquot.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Reads the signatures of the C functions that a jextract header class binds. */
final class Signatures {
  /** jextract gives each function, and no constant, a method of this ending beside it. */
  private static final String HANDLE = "$handle";

  private Signatures() {}

  /**
   * Descriptors by C function name, in the order of the names. Touches no symbol and no library.
   */
  static Map<String, FunctionDescriptor> of(Class<?> headerClass) {
    Method[] methods = headerClass.getDeclaredMethods();
    Set<String> functions =
        Arrays.stream(methods)
            .map(Method::getName)
            .filter(name -> name.endsWith(HANDLE))
            .map(name -> name.substring(0, name.length() - HANDLE.length()))
            .collect(Collectors.toSet());
    Map<String, FunctionDescriptor> signatures = new TreeMap<>();
    for (Method method : methods) {
      if (functions.contains(method.getName())) {
        signatures.put(method.getName(), descriptor(method));
      }
    }
    return signatures;
  }

  private static FunctionDescriptor descriptor(Method method) {
    return FunctionDescriptor.of(
        layout(method, method.getReturnType()),
        Arrays.stream(method.getParameterTypes())
            .map(type -> layout(method, type))
            .toArray(MemoryLayout[]::new));
  }

  private static MemoryLayout layout(Method method, Class<?> type) {
    if (type == int.class) {
      return JAVA_INT;
    }
    if (type == long.class) {
      return JAVA_LONG;
    }
    if (type == MemorySegment.class) {
      return ADDRESS;
    }
    throw new AssertionError("no layout for " + type + " in " + method);
  }
}
