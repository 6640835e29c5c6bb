# Is a page of the documentation true? From the root:
#
#   awk -v programs=build/release -f tests/page.awk docs/course/1-tensors.md
#
# - Every file that the page links to is there.
# - A ```cpp block stands, whatever its indentation, in one of the linked files.
# - The ```output blocks after a link to examples/NAME.cpp are together what example_NAME prints.
# - The ```diff blocks are together a patch that applies.

function complain(line, why) {
  print FILENAME ":" line ": " why
  failed = 1
}

function stripped(line) {
  sub(/^[ \t]+/, "", line)
  return line
}

# A file's text, each line without its indentation, or what a command prints.
function text_of(file,   line, text) {
  while ((getline line < file) > 0) text = text stripped(line) "\n"
  close(file)
  return text
}
function printed_by(command,   line, text) {
  while ((command | getline line) > 0) text = text line "\n"
  close(command)
  return text
}

function follow(link,   file) {
  if (link ~ /^(https?:|#)/) return
  sub(/#.*/, "", link)
  file = folder link
  if (system("test -e '" file "'") != 0) complain(FNR, "links to " link ", which is not there")
  else if (link ~ /\.(cpp|h)$/ && !(file in sources)) sources[file] = "\n" text_of(file)
  if (link ~ /examples\/[a-z_0-9]+\.cpp$/) {
    program = link
    gsub(/.*\/|\.cpp$/, "", program)
  }
}

FNR == 1 {
  folder = FILENAME
  if (!sub(/[^\/]*$/, "", folder)) folder = ""
}

/^ *```/ && block == "" {
  block = stripped($0)
  sub(/```/, "", block)
  if (block == "") block = "plain"
  begin = FNR
  if (block == "cpp") code[++blocks] = ""
  if (block == "cpp") line_of[blocks] = FNR
  if (block == "output" && program == "") complain(FNR, "output of no program: link to it above")
  next
}
/^ *```/ { block = ""; next }
block == "cpp" { code[blocks] = code[blocks] stripped($0) "\n" }
block == "output" { shown[program] = shown[program] $0 "\n"; if (!(program in first)) first[program] = begin }
block == "diff" { patch = patch $0 "\n"; if (patched == 0) patched = begin }
block == "" {
  for (rest = $0; match(rest, /\]\([^) ]+\)/); rest = substr(rest, RSTART + RLENGTH))
    follow(substr(rest, RSTART + 2, RLENGTH - 3))
}

END {
  for (i = 1; i <= blocks; i++) {
    found = 0
    for (file in sources) found = found || index(sources[file], "\n" code[i]) > 0
    if (!found) complain(line_of[i], "this code is in none of the files that the page links to")
  }
  for (name in shown) {
    real = printed_by(programs "/example_" name)
    if (real == shown[name]) continue
    complain(first[name], "example_" name " prints something else:")
    count = split(real, has, "\n")
    split(shown[name], says, "\n")
    for (i = 1; i <= count && has[i] == says[i]; i++) continue
    print "  the page:    " says[i] "\n  the program: " has[i]
  }
  if (patch != "") {
    apply = "git apply --check -"
    printf "%s", patch | apply
    if (close(apply) != 0) complain(patched, "the diff does not apply")
  }
  exit failed
}
