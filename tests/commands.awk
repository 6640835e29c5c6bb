# Do the commands, options, variables and files that a page names exist? From the root:
#
#   awk -v programs=build/release -f tests/commands.awk README.md
#
# - `./dev X` is a command of dev, and its options stand in dev or bench/report.py.
# - `gradus X` is a command of the program, and its options, with values that are chosen from a list,
#   are in its help. Options elsewhere are those of one of these commands.
# - GRADUS_X is a variable that our sources or CMakeLists.txt read, -DX= a variable there.
# - build/release/X is built, and path/name.ext is a file of ours.

BEGIN {
  sources = read("cat CMakeLists.txt CMakePresets.json */*.cpp */*/*.cpp")
  dev = read("cat dev bench/report.py")
  all = read(programs "/gradus --help")  # options of every command
  commands = read(programs "/gradus --help | sed -n '/^Subcommands:/,$ s/^  \\([a-z]*\\) .*/\\1/p'")
  count = split(commands, names)
  for (i = 1; i <= count; i++) help[names[i]] = all read(programs "/gradus " names[i] " --help")
  every = dev " --install --prefix --cflags --libs "  # of cmake and pkg-config
  for (name in help) every = every help[name]
}

# All at once: adding line to line takes time with the square of their number.
function read(command,   text, separator) {
  separator = RS
  RS = "\001"
  command | getline text
  RS = separator
  close(command)
  return text
}
function complain(what) {
  print FILENAME ":" FNR ": there is no " what
  failed = 1
}
function has(text, word) { return text ~ ("(^|[^a-zA-Z_0-9-])" word "([^a-zA-Z_0-9-]|$)") }
function exists(file) { return system("test -e '" file "'") == 0 }

# Options of a command whose help is `text`; a value of a list, if it is a word, must be in the list.
function check_options(line, text,   words, n, i, choices) {
  gsub(/[`,;()|]/, " & ", line)
  n = split(line, words)
  for (i = 1; i <= n; i++) {
    if (words[i] !~ /^--[a-z][a-z-]*$/) continue
    if (!has(text, words[i])) complain("option " words[i])
    if (words[i + 1] !~ /^[a-z][a-z-]+$/ || !match(text, words[i] " TEXT:[{][^}]*[}]")) continue
    choices = substr(text, RSTART, RLENGTH)
    if (!has(choices, words[i + 1])) complain(words[i] " " words[i + 1])
  }
}

# Takes what matches `pattern` next out of `rest` and into `hit`; 0 where nothing does.
function next_match(pattern) {
  if (!match(rest, pattern)) return 0
  hit = substr(rest, RSTART, RLENGTH)
  rest = substr(rest, RSTART + RLENGTH)
  return 1
}

/^ *```/ { fence = fence == "" ? $0 : "" }
fence ~ /diff|output|cpp/ { next }

{
  sub(/ # .*/, "")  # what a command does
  sub(/--git .*/, "")
  check_options(carried $0, every)
  carried = match($0, /--[a-z-]+$/) ? substr($0, RSTART) " " : ""  # its value is on the next line

  for (rest = $0; next_match("\\./dev [a-z]+[^`;]*");) {
    split(hit, words, /[ `]/)
    if (!has(dev, "cmd_" words[2])) complain(hit)
    check_options(hit, dev)
  }
  for (rest = $0; next_match("(^|[ `/])gradus +[a-z]+ [^`|]*");) {
    sub(/^[^g]*/, "", hit)
    split(hit, words, / +/)
    if (words[2] in help) check_options(hit, help[words[2]])
    else if (hit ~ /--/) complain("command gradus " words[2])
  }
  for (rest = $0; next_match("GRADUS_[A-Z_]+");) if (!has(sources, hit)) complain("variable " hit)
  for (rest = $0; next_match("-D[A-Z_]+=");) {
    hit = substr(hit, 3, length(hit) - 3)
    if (!has(sources, hit)) complain("variable " hit)
  }
  for (rest = $0; next_match("build/release/[a-z_]+");) {
    program = hit
    sub(/build\/release/, programs, program)
    if (!exists(program)) complain("file " hit)
  }
  for (rest = $0; next_match("`[a-z_.]+/[a-z_0-9./-]+\\.[a-z]+`");) {
    hit = substr(hit, 2, length(hit) - 2)
    if (!exists(hit)) complain("file " hit)
  }
}

END { exit failed }
