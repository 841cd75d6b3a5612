package dev.aliquot.agent.process;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The container of a pod that a control group is of, by the group's path as the kubelet and the
 * container runtimes name it: with the systemd driver
 *
 * <pre>
 * /kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1234_..._.slice/cri-containerd-ID.scope
 * </pre>
 *
 * and with the cgroupfs driver
 *
 * <pre>/kubepods/burstable/pod1234-.../ID</pre>
 *
 * , guaranteed pods without the middle level, either of them below any prefix, or as seen from the
 * agent's own control group ({@code /../..}). A container may make groups of its own with any name
 * below its own, so that the outermost pod counts.
 *
 * @param podUid in lower case, with {@code -}
 * @param containerId as the runtime gives it
 */
public record PodCgroup(String podUid, String containerId) {
  /** Longer than the kernel's longest path: such a text is none. */
  private static final int MOST_CHARACTERS = 4096;

  /** Random UUIDs, or the hash of a static pod's manifest. */
  private static final String UID =
      "([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})";

  private static final String ID = "([0-9a-f]{12,128})";

  private static final Pattern SLICE =
      Pattern.compile(
          "(?:[A-Za-z0-9_.-]{1,200}-)?kubepods(?:-burstable|-besteffort)?-pod" + UID + "\\.slice");

  /** Where the runtime has the cgroupfs driver, and the kubelet systemd's. */
  private static final Pattern SLICE_AND_CONTAINER =
      Pattern.compile("(" + SLICE.pattern() + "):[a-z-]{1,40}:" + ID);

  private static final Pattern FOLDER = Pattern.compile("pod" + UID);

  /** What watches a container of CRI-O is no container: {@code crio-conmon-ID}. */
  private static final Pattern CONTAINER =
      Pattern.compile(
          "(?:(?:cri-containerd|crio|docker|libpod|containerd)-)?" + ID + "(?:\\.scope)?");

  /** The container that a process in the group is in; empty: none of a pod. */
  public static Optional<PodCgroup> parse(String path) {
    if (path.length() > MOST_CHARACTERS || !path.startsWith("/")) {
      return Optional.empty();
    }
    String[] names = path.substring(1).split("/", -1);
    for (int i = 0; i < names.length; i++) {
      if (names[i].equals("user.slice")) {
        return Optional.empty(); // what is below is its user's to name
      }
      Matcher both = SLICE_AND_CONTAINER.matcher(names[i]);
      if (both.matches()) {
        return Optional.of(of(both.group(2), both.group(3)));
      }
      Matcher slice = SLICE.matcher(names[i]);
      Matcher folder = FOLDER.matcher(names[i]);
      boolean isSlice = slice.matches();
      if (isSlice || (folder.matches() && isOfPods(names, i))) {
        String uid = isSlice ? slice.group(1) : folder.group(1);
        return i + 1 < names.length ? container(uid, names[i + 1]) : Optional.empty();
      }
    }
    return Optional.empty();
  }

  private static Optional<PodCgroup> container(String uid, String name) {
    Matcher container = CONTAINER.matcher(name);
    return container.matches() ? Optional.of(of(uid, container.group(1))) : Optional.empty();
  }

  /** Whether a pod's folder of the cgroupfs driver is where the kubelet makes them. */
  private static boolean isOfPods(String[] names, int pod) {
    if (pod == 0) {
      return false;
    }
    String above = names[pod - 1];
    return switch (above) {
      case "kubepods", ".." -> true;
      case "burstable", "besteffort" ->
          pod > 1 && (names[pod - 2].equals("kubepods") || names[pod - 2].equals(".."));
      default -> false;
    };
  }

  private static PodCgroup of(String uid, String containerId) {
    return new PodCgroup(normal(uid), containerId);
  }

  /** A pod's uid as its control groups' names and the API server's objects can be compared. */
  public static String normal(String uid) {
    return uid.toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
