# Is every error message of the library seen by a test? From the root:
#
#   awk -f tests/messages.awk {tensor,backends,backends/*,autograd,nn,optim,data}/*.{h,cpp} tests/*.cpp
#
# A message is the text in a statement that throws, or that calls a function which does (fail,
# refuse, fail_reading). Its pieces between placeholders must stand, in order, in one string of a
# test, and it must begin with its operation in brackets or with the path of its module. Those that
# no test can bring about are listed below, with the reason.

BEGIN {
  disk = "the disk would have to fail"
  unseen["cannot be opened: {}"] = disk
  unseen["cannot be read: {}"] = disk
  unseen["cannot be written to the disk"] = disk
  unseen["cannot be put in place"] = disk
  unseen["the file cannot be opened: {}"] = disk
  unseen["the file cannot be read: {}"] = disk
  unseen["has a member whose name cannot be read"] = "the locale would have to be broken"
  unseen["unknown reason"] = "libarchive has always given one"
  unseen["[split_words] ICU cannot find word breaks: {}"] = "ICU would have to lack its data"
  huge = "takes gigabytes"
  unseen["[split_words] the text has {} bytes; at most {} are taken"] = huge
  unseen["[Vocabulary] {} words are more than fit 32 bits"] = huge
  unseen["[WordTable] there are more different words than fit 32 bits"] = huge
  unseen["[{}] offsets must rise from 0 to the {} tokens: number {} is {}"] = "Segments are checked"
}

function complain(place, message, why) {
  print place ": \"" message "\": " why
  failed = 1
}

# The string literals of `text`, neighbours joined, into found[1...]; how many.
function literals(text, found,   n, between) {
  n = 0
  between = "begin"
  while (match(text, /"([^"\\]|\\.)*"/)) {
    between = between substr(text, 1, RSTART - 1)
    if (between ~ /^[ \n]*$/) found[n] = found[n] substr(text, RSTART + 1, RLENGTH - 2)
    else found[++n] = substr(text, RSTART + 1, RLENGTH - 2)
    text = substr(text, RSTART + RLENGTH)
    between = ""
  }
  return n
}

# What `text` begins with up to a semicolon that is in no string.
function statement(text) {
  match(text, /^([^";]|"([^"\\]|\\.)*")*/)
  return substr(text, 1, RLENGTH)
}

function read_file(name, text,   messages, n, i, throws) {
  if (name ~ /^tests\//) {
    n = literals(text, messages)
    for (i = 1; i <= n; i++) tested[++tests] = messages[i]
    return
  }
  while (match(text, /(throw [A-Za-z]+|[^a-z_](fail|refuse|fail_reading))\(/)) {
    throws = substr(text, RSTART, 5) == "throw"
    text = substr(text, RSTART + RLENGTH)
    n = literals(statement(text), messages)
    for (i = 1; i <= n; i++) {
      if (messages[i] !~ /[a-z].* .*[a-z]/) continue  # a separator, a word
      place_of[messages[i]] = name
      if (throws && i == 1 && messages[i] !~ /^(\[[^\]]+\]|[{][}]:) /)
        complain(name, messages[i], "begins with neither [operation] nor a module's path")
    }
  }
}

function seen(message,   pieces, n, i, t, at, rest) {
  gsub(/[{][^{}]*[}]/, "\001", message)
  gsub(/[{][{]/, "{", message)
  gsub(/[}][}]/, "}", message)
  n = split(message, pieces, "\001")
  for (t = 1; t <= tests; t++) {
    rest = tested[t]
    for (i = 1; i <= n; i++) {
      at = index(rest, pieces[i])
      if (pieces[i] != "" && at == 0) break
      if (pieces[i] != "") rest = substr(rest, at + length(pieces[i]))
    }
    if (i > n) return 1
  }
  return 0
}

FNR == 1 && file != "" { read_file(file, text); text = "" }
FNR == 1 { file = FILENAME }
!/^ *\/\// { text = text $0 "\n" }

END {
  read_file(file, text)
  for (message in place_of) {
    found = seen(message)
    if (!found && !(message in unseen)) complain(place_of[message], message, "no test sees this")
    if (found && message in unseen) complain("tests/messages.awk", message, "a test does see this")
    if (found) count++
  }
  for (message in unseen)
    if (!(message in place_of)) complain("tests/messages.awk", message, "nothing throws this")
  print count " messages are seen by tests"
  exit failed
}
