# Reads one of our *_types.h headers and prints, for abi_check.c, one line per fact in it:
#   SIZE(type)  OFFSET(type, member)  VALUE(constant)
# The headers are regular: one member, enumerator or #define per line, braces at line ends.

function last_word(text) {
  sub(/;.*$/, "", text)
  sub(/ : [0-9]+$/, "", text)
  if (match(text, /\(\*[A-Za-z_0-9]+\)/)) {
    return substr(text, RSTART + 2, RLENGTH - 3)
  }
  while (sub(/\[[0-9]+\]$/, "", text)) {
  }
  sub(/^.*[ *]/, "", text)
  return text
}

/^#define [A-Za-z_0-9]+ [^ ]/ {
  # Casts to pointers are no integer facts; strings neither.
  if ($0 !~ /"|void \*|CUstream\)/) {
    print "VALUE(" $2 ")"
  }
  next
}

/^typedef .*;$/ && !/\{/ {
  if ($0 ~ /\(/) {
    match($0, /\(\*?[A-Za-z_0-9]+\)/)
    name = RLENGTH > 0 ? substr($0, RSTART, RLENGTH) : ""
    gsub(/[(*)]/, "", name)
    if ($0 ~ /\(\*[A-Za-z_0-9]+\)/) {
      print "SIZE(" name ")"
    }
  } else {
    print "SIZE(" last_word($0) ")"
  }
  next
}

/\{$/ {
  depth++
  start[depth] = count
  is_enum[depth] = ($0 ~ /enum/)
  next
}

depth > 0 && /^ *\}/ {
  name = $0
  sub(/^ *\} */, "", name)
  is_array = (name ~ /\]/)
  name = last_word(name)
  if (depth == 1) {
    print "SIZE(" name ")"
    for (i = 0; i < count; i++) {
      print "OFFSET(" name ", " path[i] ")"
    }
    count = 0
  } else if (name != "" && !is_enum[depth]) {
    for (i = start[depth]; i < count; i++) {
      path[i] = name (is_array ? "[0]." : ".") path[i]
    }
    path[count++] = name
  }
  depth--
  next
}

depth > 0 && is_enum[depth] {
  print "VALUE(" $1 ")"
  next
}

depth > 0 && /;$/ && !/ : [0-9]+;$/ {
  path[count++] = last_word($0)
}
