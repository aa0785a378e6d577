// What a line from a member does.
#include "commands.hpp"

#include <array>
#include <string>

#include "hub.hpp"
#include "text.hpp"

namespace chat {

namespace {

using Action = void (*)(Hub& hub, Member& member, std::string_view argument);

struct Command {
  std::string_view word;
  std::string_view usage;
  std::string_view what;
  Action action;
};

extern const std::array<Command, 7> commands;

/// Whether `name` can name somebody or something; the member is told if not.
bool check_name(Member& member, std::string_view name) {
  if (is_name(name)) return true;
  member.tell("* A name has letters, digits, - and _, at most " +
              std::to_string(name_characters_max) + " of them.");
  return false;
}

void take_name(Hub& hub, Member& member, std::string_view name) {
  if (!check_name(member, name)) return;
  const Member* holder = hub.find(name);
  if (holder != nullptr && holder != &member) {
    member.tell("* The name " + std::string(name) + " is taken.");
    return;
  }
  if (name != member.name) hub.rename(member, name);
  member.tell("* You are now called " + member.name + ".");
}

void join(Hub& hub, Member& member, std::string_view room) {
  if (!check_name(member, room)) return;
  if (key_of(room) != key_of(member.room)) hub.move(member, room);
  member.tell(hub.list_members(member));
}

void list_rooms(Hub& hub, Member& member, std::string_view /*argument*/) {
  member.tell(hub.list_rooms());
}

void list_members(Hub& hub, Member& member, std::string_view /*argument*/) {
  member.tell(hub.list_members(member));
}

void message(Hub& hub, Member& member, std::string_view argument) {
  const auto [name, text] = first_word(argument);
  if (text.empty()) {
    member.tell("* What do you want to say? Write /msg NAME TEXT.");
    return;
  }
  if (!check_name(member, name)) return;
  Member* other = hub.find(name);
  if (other == nullptr) {
    member.tell("* Nobody here is called " + std::string(name) + ".");
    return;
  }
  const std::string shown = printable(text);
  other->tell(member.name + " (to you): " + shown);
  if (other != &member) member.tell("(to " + other->name + "): " + shown);
}

void help(Hub& /*hub*/, Member& member, std::string_view /*argument*/) {
  constexpr std::size_t column = 18;
  for (const Command& command : commands) {
    std::string text = "*   " + std::string(command.usage);
    text.append(column - command.usage.size(), ' ').append(command.what);
    member.tell(std::move(text));
  }
  member.tell("* Every other line is said to your room. Begin it with // to say a slash.");
}

void quit(Hub& /*hub*/, Member& member, std::string_view /*argument*/) {
  member.tell("* Goodbye. (If your client stays, press Enter.)");
  member.leave();
}

const std::array<Command, 7> commands{{
    {"name", "/name NAME", "change your name", take_name},
    {"join", "/join ROOM", "go to a room; it is made if there is none", join},
    {"rooms", "/rooms", "which rooms there are", list_rooms},
    {"who", "/who", "who is in your room", list_members},
    {"msg", "/msg NAME TEXT", "say something to one member, in whichever room", message},
    {"help", "/help", "this", help},
    {"quit", "/quit", "leave (so does the end of your input)", quit},
}};

void unknown(Member& member, std::string_view word) {
  std::array<std::string_view, commands.size()> words;
  for (std::size_t i = 0; i < commands.size(); ++i) words[i] = commands[i].word;
  const std::string_view meant = nearest(word, words);
  std::string text = "* There is no command /" + printable(word);
  if (meant.empty()) {
    text += "; /help shows those that there are.";
  } else {
    text += "; did you mean /" + std::string(meant) + "?";
  }
  member.tell(std::move(text));
}

}  // namespace

void obey(Hub& hub, Member& member, std::string_view line) {
  if (line.find_first_not_of(" \t") == std::string_view::npos) return;
  if (!line.starts_with('/') || line.starts_with("//")) {
    if (line.starts_with('/')) line.remove_prefix(1);
    hub.say(member, member.name + ": " + printable(line));
    return;
  }
  const auto [word, argument] = first_word(line.substr(1));
  for (const Command& command : commands) {
    if (command.word != word) continue;
    const bool needs_more = argument.empty() && command.usage.contains(' ');
    if (needs_more) return member.tell("* Write " + std::string(command.usage) + ".");
    return command.action(hub, member, argument);
  }
  unknown(member, word);
}

}  // namespace chat
