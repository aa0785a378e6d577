// MessageEntry: what is kept of a message beside its text.
#include "session/message_entry.hpp"

#include "irc/text.hpp"

namespace ieum::hub {

std::string once_id(std::string_view once, std::string_view to) {
  return std::string(once) + " " + key_of(to);
}

std::string encode(const MessageEntry& message) {
  // Keys that no client can send: only those with a '+' are taken from one.
  Tags tags{{"ieum/to", message.to}};
  if (!message.with.empty()) tags.push_back({"ieum/with", message.with});
  if (!message.account.empty()) tags.push_back({"account", message.account});
  if (message.bot) tags.push_back({"bot", ""});
  tags.insert(tags.end(), message.client_tags.begin(), message.client_tags.end());
  return serialize_tags(tags);
}

MessageEntry decode_message(const StoredEntry& stored) {
  MessageEntry message;
  for (Tag& tag : parse_tags(stored.entry.tags)) {
    if (tag.is_client_only()) {
      message.client_tags.push_back(std::move(tag));
    } else if (tag.key == "ieum/to") {
      message.to = std::move(tag.value);
    } else if (tag.key == "ieum/with") {
      message.with = std::move(tag.value);
    } else if (tag.key == "account") {
      message.account = std::move(tag.value);
    } else if (tag.key == "bot") {
      message.bot = true;
    }
  }
  return message;
}

Outgoing outgoing_of(const MessageEntry& message, const Entry& entry, std::string id) {
  std::vector<std::string> params{message.to};
  const bool has_text = entry.kind != Kind::tags;
  if (has_text) params.push_back(entry.body);
  Outgoing line(entry.time, entry.source, command_of(entry.kind), std::move(params), has_text);
  line.id = std::move(id);
  line.account = message.account;
  line.bot = message.bot;
  line.client_tags = message.client_tags;
  return line;
}

}  // namespace ieum::hub
