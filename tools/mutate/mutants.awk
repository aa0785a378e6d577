# Reads the faults of tools/mutate/mutants/*.txt (docs/internals/mutation-testing.md says what an entry
# is). `-v root=` is the repository, `-v mode=` what to do:
#   list                  a line for each: NAME, SOURCE, TESTS (with `;` between them), SENTENCE, by tabs
#   check                 FILE:LINE: SENTENCE [mutants] for each entry that is wrong
#   apply, -v name=NAME   the source with that fault planted in it, on standard output
function slurp(path,    line, text) {
  text = ""
  while ((getline line < path) > 0) text = text line "\n"
  close(path)
  return text
}
function occurrences(text, part,    count, at) {
  count = 0
  while ((at = index(text, part)) > 0) { ++count; text = substr(text, at + 1) }
  return count
}
function complain(sentence) { print place ": " sentence " [mutants]"; found = 1 }
function check_entry(    text, count) {
  if (entry in names) complain("a second fault is called " entry)
  names[entry] = 1
  if (sentence == "") complain(entry " does not say what it breaks")
  if (tests == "") complain(entry " names no tests")
  if (old == "" || old == new) return complain(entry " changes nothing")
  text = slurp(root "/" source)
  if (text == "") return complain(entry " is about " source ", which is not there")
  count = occurrences(text, old)
  if (count != 1) complain(entry " is stale: its text stands in " source " " count " times, not once")
}
function finish(    text, at) {
  if (entry == "") return
  if (mode == "list") printf "%s\t%s\t%s\t%s\n", entry, source, tests, sentence
  if (mode == "check") check_entry()
  if (mode == "apply" && entry == name) {
    text = slurp(root "/" source)
    at = index(text, old)
    if (at == 0 || occurrences(text, old) != 1) exit found = 1
    printf "%s%s%s", substr(text, 1, at - 1), new, substr(text, at + length(old))
  }
  entry = ""
}
/^\[/ {
  finish()
  place = FILENAME
  sub("^" root "/", "", place)
  place = place ":" FNR
  entry = substr($1, 2, length($1) - 2); source = $2
  sentence = tests = old = new = ""; lines_old = lines_new = 0
  next
}
/^tests: / { tests = tests (tests == "" ? "" : ";") substr($0, 8); next }
/^-/ { old = old (lines_old++ ? "\n" : "") substr($0, 3); next }
/^\+/ { new = new (lines_new++ ? "\n" : "") substr($0, 3); next }
/^#/ || /^$/ { next }
{ sentence = sentence (sentence == "" ? "" : " ") $0 }
END { finish(); exit found }
