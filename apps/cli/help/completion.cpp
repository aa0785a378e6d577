#include "help/completion.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace ieum::cli {

namespace {

using Option = CommandSummary::Option;

std::string first_sentence(std::string_view text) {
  const std::size_t end = text.find(". ");
  std::string sentence(text.substr(0, end));
  if (sentence.ends_with('.')) sentence.pop_back();
  return sentence;
}

std::string names_of(const std::vector<CommandSummary>& commands) {
  std::string names;
  for (const CommandSummary& command : commands) {
    if (!names.empty()) names += ' ';
    names += command.name;
  }
  return names;
}

// ---- bash ---------------------------------------------------------------------------------------

std::string bash_case(const CommandSummary& command) {
  std::string options;
  std::string values;
  for (const Option& option : command.options) {
    for (const std::string& name : option.names) options += name + " ";
    if (option.value.empty()) continue;
    std::string reply;  // nothing to offer
    if (option.value == "FILE") {
      reply = "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$word\"))";
    } else if (option.value == "COMMAND") {
      reply = "COMPREPLY=($(compgen -c -- \"$word\"))";
    } else if (!option.choices.empty()) {
      reply = fmt::format("COMPREPLY=($(compgen -W '{}' -- \"$word\"))",
                          fmt::join(option.choices, " "));
    }
    values += fmt::format("        {}) {}{}return ;;\n", fmt::join(option.names, " | "), reply,
                          reply.empty() ? "" : "; ");
  }
  const std::string arguments = fmt::format("{}", fmt::join(command.arguments, " "));
  return fmt::format("    {})\n      case $before in\n{}      esac\n      words='{}{}' ;;\n",
                     command.name, values, options, arguments);
}

std::string bash_script(const std::vector<CommandSummary>& commands) {
  std::string cases;
  for (const CommandSummary& command : commands) cases += bash_case(command);
  return fmt::format(R"(# bash completion for ieum
_ieum() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} words
  # readline takes = for a word of its own
  if [[ $word == = ]]; then word=; elif [[ $before == = ]]; then before=${{COMP_WORDS[COMP_CWORD-2]}}; fi
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '{} --help --version' -- "$word"))
    return
  fi
  case ${{COMP_WORDS[1]}} in
{}    *) return ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -F _ieum ieum
)",
                     names_of(commands), cases);
}

// ---- zsh ----------------------------------------------------------------------------------------

std::string zsh_quoted(std::string_view text) {
  std::string result;
  for (const char letter : text) {
    if (letter == '\'') {
      result += "'\\''";
    } else if (letter == '[' || letter == ']' || letter == ':' || letter == '\\') {
      result += {'\\', letter};
    } else {
      result += letter;
    }
  }
  return result;
}

std::string zsh_option(const Option& option) {
  std::string action;
  if (!option.value.empty()) {
    std::string kind = " ";
    if (option.value == "FILE") kind = "_files";
    if (option.value == "COMMAND") kind = "_command_names";
    if (!option.choices.empty()) kind = fmt::format("({})", fmt::join(option.choices, " "));
    action = fmt::format(":{}:{}", option.value, kind);
  }
  const std::string description = zsh_quoted(first_sentence(option.description));
  std::string all;
  for (const std::string& name : option.names) {
    const bool takes_equals = !option.value.empty() && name.starts_with("--");
    all += fmt::format(" \\\n        '{}{}[{}]{}'", name, takes_equals ? "=" : "", description,
                       action);
  }
  return all;
}

std::string zsh_script(const std::vector<CommandSummary>& commands) {
  std::string names;
  std::string cases;
  for (const CommandSummary& command : commands) {
    names += fmt::format("    '{}:{}'\n", command.name, zsh_quoted(command.purpose));
    std::string options;
    for (const Option& option : command.options) options += zsh_option(option);
    const std::string arguments =
        command.arguments.empty()
            ? "1:ADDRESS: "
            : fmt::format("1:argument:({})", fmt::join(command.arguments, " "));
    cases += fmt::format("    {})\n      _arguments -s -S{} \\\n        '{}' ;;\n", command.name,
                         options, arguments);
  }
  return fmt::format(R"(#compdef ieum
# zsh completion for ieum
_ieum() {{
  local -a commands
  commands=(
{}  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
{}  esac
}}
if [[ $funcstack[1] == _ieum ]]; then _ieum "$@"; else compdef _ieum ieum; fi
)",
                     names, cases);
}

// ---- fish ---------------------------------------------------------------------------------------

std::string fish_quoted(std::string_view text) {
  std::string result = "'";
  for (const char letter : text) {
    if (letter == '\'' || letter == '\\') result += '\\';
    result += letter;
  }
  return result + "'";
}

std::string fish_option(const CommandSummary& command, const Option& option) {
  std::string line =
      fmt::format("complete -c ieum -n '__fish_seen_subcommand_from {}'", command.name);
  for (const std::string& name : option.names) {
    line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (!option.value.empty()) {
    line += option.value == "FILE" ? " -r -F" : " -x";
    if (option.value == "COMMAND") line += " -a '(__fish_complete_command)'";
    if (!option.choices.empty()) line += fmt::format(" -a '{}'", fmt::join(option.choices, " "));
  }
  return line + " -d " + fish_quoted(first_sentence(option.description)) + "\n";
}

std::string fish_script(const std::vector<CommandSummary>& commands) {
  std::string script = "# fish completion for ieum\ncomplete -c ieum -f\n";
  for (const CommandSummary& command : commands) {
    script += fmt::format("complete -c ieum -n __fish_use_subcommand -a {} -d {}\n", command.name,
                          fish_quoted(command.purpose));
    for (const Option& option : command.options) script += fish_option(command, option);
    if (command.arguments.empty()) continue;
    script += fmt::format("complete -c ieum -n '__fish_seen_subcommand_from {}' -a '{}'\n",
                          command.name, fmt::join(command.arguments, " "));
  }
  return script;
}

}  // namespace

std::optional<std::string> completion_script(std::string_view shell,
                                             const std::vector<CommandSummary>& commands) {
  if (shell == "bash") return bash_script(commands);
  if (shell == "zsh") return zsh_script(commands);
  if (shell == "fish") return fish_script(commands);
  return {};
}

}  // namespace ieum::cli
