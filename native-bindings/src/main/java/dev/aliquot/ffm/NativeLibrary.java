package dev.aliquot.ffm;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * An opened library file and the functions of it that a jextract header class describes. Functions
 * that the file lacks are absent, not fatal. Several libraries, also of the same name, can be open
 * at once. Thread-safe; functions are linked when first used.
 */
public final class NativeLibrary {
  private final Path path;
  private final SymbolLookup symbols;
  private final Map<String, FunctionDescriptor> signatures;
  private final Map<String, NativeFunction> linked = new ConcurrentHashMap<>();
  private final Set<String> missing;

  private NativeLibrary(
      Path path, SymbolLookup symbols, Map<String, FunctionDescriptor> signatures) {
    this.path = path;
    this.symbols = symbols;
    this.signatures = signatures;
    Set<String> absent = new TreeSet<>();
    for (String name : signatures.keySet()) {
      if (symbols.find(name).isEmpty()) {
        absent.add(name);
      }
    }
    this.missing = Collections.unmodifiableSet(absent);
  }

  /**
   * Opens a library for the rest of the JVM's life.
   *
   * @param path the file; a bare file name is left to the dynamic linker's search
   * @param headerClass jextract's header class of the library
   * @param what the library in words for messages, such as "NVML"
   * @param required functions without which the file is not that library
   * @throws LibraryException if it cannot be loaded or lacks one of {@code required}
   */
  public static NativeLibrary open(
      Path path, Class<?> headerClass, String what, String... required) {
    if (!isBareName(path)) {
      LibraryFile.whyNotLibrary(path, what)
          .ifPresent(
              why -> {
                throw new LibraryException(path, why);
              });
    }
    SymbolLookup symbols;
    try {
      symbols =
          isBareName(path)
              ? SymbolLookup.libraryLookup(path.toString(), Arena.global())
              : SymbolLookup.libraryLookup(path.toAbsolutePath(), Arena.global());
    } catch (IllegalArgumentException e) {
      throw new LibraryException(path, LibraryFile.whyRefused(path, what));
    }
    for (String name : required) {
      if (symbols.find(name).isEmpty()) {
        throw new LibraryException(
            path,
            "%s is not the %s library: it has no function %s; give the path of the %s library"
                .formatted(path, what, name, what));
      }
    }
    return new NativeLibrary(path, symbols, Signatures.of(headerClass));
  }

  /** The file as it was given to {@link #open}. */
  public Path path() {
    return path;
  }

  /** Whether the library has this symbol, bound or not. */
  public boolean supports(String symbol) {
    return symbols.find(symbol).isPresent();
  }

  /** Bound functions that this library lacks, sorted. */
  public Set<String> missingSymbols() {
    return missing;
  }

  /**
   * A function, or null if the library lacks it.
   *
   * @throws IllegalArgumentException if the bindings do not describe it
   */
  public @Nullable NativeFunction find(String name) {
    return find(name, name);
  }

  /** As {@link #find(String)}, for a symbol that has the signature of a bound function. */
  public @Nullable NativeFunction find(String symbol, String signatureOf) {
    NativeFunction known = linked.get(symbol);
    if (known != null) {
      return known;
    }
    FunctionDescriptor signature = signatures.get(signatureOf);
    if (signature == null) {
      throw new IllegalArgumentException(signatureOf + " is not in the generated bindings");
    }
    return symbols
        .find(symbol)
        .map(
            address ->
                linked.computeIfAbsent(
                    symbol,
                    name ->
                        new NativeFunction(
                            Linker.nativeLinker().downcallHandle(address, signature))))
        .orElse(null);
  }

  static boolean isBareName(Path path) {
    return !path.isAbsolute() && path.getNameCount() == 1;
  }
}
