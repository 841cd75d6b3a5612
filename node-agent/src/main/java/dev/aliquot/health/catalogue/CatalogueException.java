package dev.aliquot.health.catalogue;

/** A table that cannot be used; the message names the file, the row and what to do. */
public final class CatalogueException extends Exception {
  private static final long serialVersionUID = 1L;

  CatalogueException(String message) {
    super(message);
  }
}
