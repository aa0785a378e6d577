// Session: what it is told.
#include "irc/text.hpp"
#include "session/session.hpp"

namespace ieum::hub {

std::string Session::nick() const {
  if (user != nullptr) return user->nick;
  return registering.nick.empty() ? "*" : registering.nick;
}

void Session::numeric(const Numeric& numeric, std::initializer_list<std::string_view> params) {
  this->numeric(numeric, std::vector<std::string>(params.begin(), params.end()));
}

void Session::numeric(const Numeric& numeric, std::vector<std::string> params) {
  std::string number = std::to_string(numeric.number);
  number.insert(0, 3 - number.size(), '0');
  params.insert(params.begin(), nick());
  if (!numeric.text.empty()) params.emplace_back(numeric.text);
  reply(number, std::move(params), true);
}

void Session::fail(std::string_view command, std::string_view code,
                   std::initializer_list<std::string_view> context, std::string_view text) {
  standard_reply("FAIL", command, code, context, text);
}

void Session::standard_reply(std::string_view type, std::string_view command, std::string_view code,
                             std::initializer_list<std::string_view> context,
                             std::string_view text) {
  if (!knows_caps) {
    // To a client that would show a FAIL as a riddle.
    std::string words = "*** ";
    if (command != "*") words += std::string(command) + ": ";
    for (const std::string_view part : context) words += std::string(part) + " ";
    reply("NOTICE", {nick(), words + std::string(text)}, true);
    return;
  }
  std::vector<std::string> params{std::string(command), std::string(code)};
  params.insert(params.end(), context.begin(), context.end());
  params.emplace_back(text);
  reply(type, std::move(params), true);
}

void Session::reply(std::string_view command, std::vector<std::string> params, bool trailing) {
  answer(Outgoing(hub.time(), hub.config().name, command, std::move(params), trailing));
}

void Session::answer(const Outgoing& line) { answer(line.tags(caps), line.line()); }

void Session::answer(Tags tags, std::string line) {
  if (collecting_) {
    collected_.push_back({std::move(tags), std::move(line)});
  } else {
    push(Payload(with_tags(tags, line)));
  }
}

std::string Session::begin_batch(std::vector<std::string> params) {
  std::string reference = "b" + std::to_string(++batches_);
  params.insert(params.begin(), "+" + reference);
  reply("BATCH", std::move(params));
  return reference;
}

void Session::end_batch(const std::string& reference) { reply("BATCH", {"-" + reference}); }

void Session::deliver(Outgoing& line, bool response) {
  if (response && collecting_) {
    answer(line);
  } else {
    push(line.payload(caps));
  }
}

void Session::push(Payload payload) {
  if (is_ending()) return;
  if (queue_.bytes() + payload.size() > hub.config().queue_bytes) {
    hub.events().write("too-slow", {{"host", origin.host}, {"nick", nick()}});
    std::string why = "You do not read: more than " + std::to_string(hub.config().queue_bytes) +
                      " bytes wait for you";
    ended_because_ = "Too slow";
    lost_ = true;
    queue_.try_push(Payload("ERROR :Closing link: " + origin.host + " (" + why + ")\r\n"));
    ending_.set();
    return;
  }
  ++hub.counts().lines_sent;
  queue_.try_push(std::move(payload));
}

}  // namespace ieum::hub
