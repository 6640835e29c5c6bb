# Doxygen's filter: the headers' plain // comments as comments that Doxygen reads.
#
# - The comment that opens a file documents the file; one above a declaration, the declaration.
# - One behind a declaration documents that; so do the lines that go on in its column.
# - Lines set in by three spaces or more are an example, after an empty line or one with a colon at its end.
# - "// ---- Title ----" and comments inside of functions stay what they are.

function prose(text) {
  gsub(/[<>@\\#]/, "\\\\&", text)
  return text
}

function end_example() {
  if (example) print "/// @endcode"
  example = 0
}

NR == 1 { print "/// @file" }

/^ *\/\/ ----/ || /\/\/ NOLINT|}  \/\/ namespace/ { end_example(); behind = 0; sub(/ *\/\/ NOLINT.*/, ""); print; next }

/^ *\/\// {
  column = index($0, "//")
  text = substr($0, column + 2)
  if (behind && column == behind) {
    print "///< " prose(text)
    next
  }
  behind = 0
  if (!example && text ~ /^   / && empty) {
    print "/// @code{.cpp}"
    example = 1
  }
  if (example && text !~ /^(   |$)/) end_example()
  empty = text ~ /^$|:$/
  print "///" (example ? text : prose(text))
  next
}

{
  end_example()
  empty = 0
  behind = 0
  # A // that is not in a string: the headers have none in strings.
  if (match($0, /[;{},)] +\/\/ /)) {
    behind = RSTART + RLENGTH - 3
    print substr($0, 1, behind - 1) "///< " prose(substr($0, behind + 3))
  } else {
    print
  }
}
