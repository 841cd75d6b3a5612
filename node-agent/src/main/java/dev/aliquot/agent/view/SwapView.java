package dev.aliquot.agent.view;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a tenant fares with being swapped out of one device.
 *
 * @param mode never, allowed or preferred
 * @param pinned what of its processes' memory cannot move, and why
 * @param stays why what was last wanted of its memory did not leave the device, or empty
 * @param swapOuts how often a process of it was swapped out, since the agent started
 * @param waitedSeconds how long its processes waited for room when they needed the device again, in
 *     all, since the agent started
 * @param lastOut the last move to host memory; null: none since the agent started
 * @param lastIn the last move back; null: none since the agent started
 */
public record SwapView(
    String mode,
    List<PinnedView> pinned,
    String stays,
    long swapOuts,
    double waitedSeconds,
    @Nullable MoveView lastOut,
    @Nullable MoveView lastIn) {}
