package dev.aliquot.agent.share;

/**
 * A piece of a share.
 *
 * @param id the share's, never 0
 * @param bytes as its maker said it
 * @param descriptor a copy, the receiver's to close; -1: none was asked for
 */
public record Piece(long id, long bytes, int piece, int pieces, int descriptor) {}
