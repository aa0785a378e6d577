#include "help/completion.hpp"

#include <vector>

#include <fmt/format.h>

#include "subcommands.hpp"

namespace ieum::cli {

namespace {

std::string first_sentence(std::string_view text) {
  const std::size_t end = text.find(". ");
  std::string sentence(text.substr(0, end));
  if (sentence.ends_with('.')) sentence.pop_back();
  return sentence;
}

std::vector<std::string> choices_of(const Subcommand& subcommand) {
  return subcommand.arguments.choices == nullptr ? std::vector<std::string>{}
                                                 : subcommand.arguments.choices();
}

// ---- bash ---------------------------------------------------------------------------------------

std::string bash_case(const Subcommand& command) {
  std::string options;
  std::string values;
  for (const OptionSpec& option : options_of(command)) {
    for (const std::string_view name : split_names(option.names)) options.append(name).append(" ");
    if (option.is_flag()) continue;
    std::string reply;  // nothing to offer
    if (option.value == "FILE") {
      reply = "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$word\"))";
    } else if (option.value == "COMMAND") {
      reply = "COMPREPLY=($(compgen -c -- \"$word\"))";
    } else if (!option.choices.empty()) {
      reply = fmt::format("COMPREPLY=($(compgen -W '{}' -- \"$word\"))",
                          fmt::join(option.choices, " "));
    }
    values +=
        fmt::format("        {}) {}{}return ;;\n", fmt::join(split_names(option.names), " | "),
                    reply, reply.empty() ? "" : "; ");
  }
  const std::string arguments = fmt::format("{}", fmt::join(choices_of(command), " "));
  return fmt::format("    {})\n      case $before in\n{}      esac\n      words='{}{}' ;;\n",
                     command.name, values, options, arguments);
}

std::string bash_script() {
  std::string cases;
  for (const Subcommand* command : subcommands()) cases += bash_case(*command);
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
                     fmt::join(subcommand_names(), " "), cases);
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

std::string zsh_option(const OptionSpec& option) {
  std::string action;
  if (!option.is_flag()) {
    std::string kind = " ";
    if (option.value == "FILE") kind = "_files";
    if (option.value == "COMMAND") kind = "_command_names";
    if (!option.choices.empty()) kind = fmt::format("({})", fmt::join(option.choices, " "));
    action = fmt::format(":{}:{}", option.value, kind);
  }
  const std::string description = zsh_quoted(first_sentence(option.help));
  std::string all;
  for (const std::string_view name : split_names(option.names)) {
    const bool takes_equals = !option.is_flag() && name.starts_with("--");
    all += fmt::format(" \\\n        '{}{}[{}]{}'", name, takes_equals ? "=" : "", description,
                       action);
  }
  return all;
}

std::string zsh_script() {
  std::string names;
  std::string cases;
  for (const Subcommand* one : subcommands()) {
    const Subcommand& command = *one;
    names += fmt::format("    '{}:{}'\n", command.name, zsh_quoted(command.purpose));
    std::string options;
    for (const OptionSpec& option : options_of(command)) options += zsh_option(option);
    std::string words;
    if (command.arguments.max > 0) {
      const std::vector<std::string> choices = choices_of(command);
      const std::string kind = choices.empty() ? " " : fmt::format("({})", fmt::join(choices, " "));
      words = fmt::format(" \\\n        '1:{}:{}'", zsh_quoted(command.arguments.term), kind);
    }
    cases += fmt::format("    {})\n      _arguments -s -S{}{} ;;\n", command.name, options, words);
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

std::string fish_option(const Subcommand& command, const OptionSpec& option) {
  std::string line =
      fmt::format("complete -c ieum -n '__fish_seen_subcommand_from {}'", command.name);
  for (const std::string_view name : split_names(option.names)) {
    const bool is_long = name.starts_with("--");
    line += fmt::format(" {} {}", is_long ? "-l" : "-s", name.substr(is_long ? 2 : 1));
  }
  if (!option.is_flag()) {
    line += option.value == "FILE" ? " -r -F" : " -x";
    if (option.value == "COMMAND") line += " -a '(__fish_complete_command)'";
    if (!option.choices.empty()) line += fmt::format(" -a '{}'", fmt::join(option.choices, " "));
  }
  return line + " -d " + fish_quoted(first_sentence(option.help)) + "\n";
}

std::string fish_script() {
  std::string script = "# fish completion for ieum\ncomplete -c ieum -f\n";
  for (const Subcommand* one : subcommands()) {
    const Subcommand& command = *one;
    script += fmt::format("complete -c ieum -n __fish_use_subcommand -a {} -d {}\n", command.name,
                          fish_quoted(command.purpose));
    for (const OptionSpec& option : options_of(command)) script += fish_option(command, option);
    const std::vector<std::string> choices = choices_of(command);
    if (choices.empty()) continue;
    script += fmt::format("complete -c ieum -n '__fish_seen_subcommand_from {}' -a '{}'\n",
                          command.name, fmt::join(choices, " "));
  }
  return script;
}

}  // namespace

std::string completion_script(std::string_view shell) {
  if (shell == "bash") return bash_script();
  if (shell == "zsh") return zsh_script();
  return fish_script();
}

}  // namespace ieum::cli
