# Sourced by ./aliquot and scripts/clean-machine (POSIX sh): where a JDK 25, Maven and a C compiler are, and how to get them.
# The caller defines say(), which prints one line.

is_jdk25() { [ -x "$1/bin/javac" ] && [ -f "$1/release" ] && grep -q '^JAVA_VERSION="25' "$1/release"; }

find_jdk() {
  for candidate in "${JAVA_HOME:-}" "${ALIQUOT_JDK:-}" /usr/lib/jvm/* /opt/java/* /opt/jdk* "${HOME:-}"/.sdkman/candidates/java/* "${HOME:-}"/.jdks/*; do
    if [ -n "$candidate" ] && is_jdk25 "$candidate"; then printf '%s\n' "$candidate"; return 0; fi
  done
  path_javac=$(command -v javac 2>/dev/null || true)
  if [ -n "$path_javac" ]; then
    candidate=$(dirname "$(dirname "$(readlink -f "$path_javac")")")
    if is_jdk25 "$candidate"; then printf '%s\n' "$candidate"; return 0; fi
  fi
  return 1
}

# The folder of mvn: from the PATH, else where installers other than the system's put it.
find_maven() {
  path_mvn=$(command -v mvn 2>/dev/null || true)
  for candidate in "${path_mvn%/*}" "${MAVEN_HOME:+$MAVEN_HOME/bin}" "${M2_HOME:+$M2_HOME/bin}" /opt/maven*/bin /opt/apache-maven*/bin /usr/share/maven/bin \
    /usr/local/maven*/bin /usr/local/apache-maven*/bin "${HOME:-}"/.sdkman/candidates/maven/current/bin; do
    if [ -n "$candidate" ] && [ -f "$candidate/mvn" ] && [ -x "$candidate/mvn" ]; then printf '%s\n' "$candidate"; return 0; fi
  done
  return 1
}

can_install() { command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; }

apt_install() { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >&2; }

install_jdk() {
  can_install || return 1
  { apt-cache show openjdk-25-jdk-headless >/dev/null 2>&1 || { apt-get update -qq >&2 && apt-cache show openjdk-25-jdk-headless >/dev/null 2>&1; }; } || return 1
  say "no JDK 25 found; installing Debian's openjdk-25-jdk-headless"
  apt_install openjdk-25-jdk-headless
}

# Puts the JDK's folder into $jdk.
need_jdk() {
  if jdk=$(find_jdk); then :; elif install_jdk && jdk=$(find_jdk); then :; else
    say "no JDK 25 was found (looked at JAVA_HOME, /usr/lib/jvm, /opt, ~/.sdkman, ~/.jdks and the PATH)."
    say "Install one (Debian 13: apt install openjdk-25-jdk-headless; elsewhere: Eclipse Temurin 25), or set JAVA_HOME to it."
    exit 3
  fi
}

# Debian's gcc compiles nothing without the headers of libc6-dev, which it only recommends.
has_c_headers() { echo '#include <stdlib.h>' | gcc -E -x c - >/dev/null 2>&1; }

# The Debian packages of what a build lacks.
missing_packages() {
  command -v gcc >/dev/null 2>&1 || echo gcc
  has_c_headers || echo libc6-dev
  command -v make >/dev/null 2>&1 || echo make
  find_maven >/dev/null || echo maven
}

# Puts Maven's folder into $maven_bin.
need_tools() {
  packages=$(missing_packages | tr '\n' ' ')
  packages=${packages% }
  if [ -n "$packages" ] && can_install; then
    say "installing: $packages"
    # shellcheck disable=SC2086
    { apt-get update -qq >&2 && apt_install $packages; } || say "apt could not install them all; its messages are above"
    packages=$(missing_packages | tr '\n' ' ')
    packages=${packages% }
  fi
  if [ -n "$packages" ]; then
    case " $packages" in
      *" maven") elsewhere=" (for Maven without an administrator: unpack Apache Maven 3.8 or newer anywhere and set MAVEN_HOME to its folder)" ;;
      *) elsewhere= ;;
    esac
    say "to build, this machine lacks $packages: run 'sudo apt-get install $packages' or the like of your system$elsewhere, then the same command again."
    exit 3
  fi
  maven_bin=$(find_maven)
}
