# Reads modules.table: is_module, is_planned, may, system_of, module_of_header, links, and knows() and
# module_of() over them. `row` has the lines, for messages.
function read_table(path,    text, n, word, i, line) {
  while ((getline text < path) > 0) {
    ++line
    sub(/#.*/, "", text)
    n = split(text, word)
    if (n == 0) continue
    row[line] = word[1]; name_at[line] = word[2]; rest_at[line] = ""
    for (i = 3; i <= n; i++) rest_at[line] = rest_at[line] " " word[i]
    if (word[1] == "planned") is_planned[word[2]] = 1
    if (word[1] == "module" || word[1] == "planned") {
      is_module[word[2]] = 1
      top = word[2]
      if (sub(/\/.*/, "", top)) { is_top[top] = 1; if (word[2] !~ /\.cpp$/) has_parts[top] = 1 }
      else is_top[word[2]] = 1
    }
    if (word[1] == "system") is_limited[word[2]] = 1
    if (word[1] == "program") is_program[word[2]] = 1
    for (i = 3; i <= n; i++) {
      if (word[1] == "module" || word[1] == "planned") may[word[2], word[i]] = 1
      if (word[1] == "links") may_link[word[2], word[i]] = 1
      if (word[1] == "system") may_system[word[2], word[i]] = 1
      if (word[1] == "program") may[word[2], word[i]] = 1
      if (word[1] == "headers") module_of_header[word[i]] = word[2]
    }
  }
  lines = line
  close(path)
}
function knows(module, other) { return module == other || (module, other) in may }
# Of a path below src/: "net" of "net/names/resolve.cpp"; empty: of none.
function module_of(path,    ups) {
  if (path in is_module) return path
  for (ups = 0; sub(/\/[^\/]*$/, "", path); ups++) {
    if (path in is_module) return ups > 0 && path in has_parts ? "" : path
  }
  return ""
}
# The rule that keeps what `module` may know, as a word in brackets.
function rule_of(kind, module) { gsub(/[\/.]/, "-", module); return kind "-" module }
