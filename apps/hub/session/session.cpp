// Session: a client's connection: its lines in, everybody's lines out, its end.
#include "session/session.hpp"

#include <algorithm>

#include <ieum/group.hpp>
#include <ieum/select.hpp>
#include <ieum/timeout.hpp>

#include "irc/names.hpp"
#include "irc/text.hpp"
#include "session/commands.hpp"

namespace ieum::hub {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t queue_reserve = 4096;  // for the last words to one who does not read
constexpr std::size_t lines_at_once = 16;    // of one client, before others have their turn

}  // namespace

Session::Session(Hub& serving, Stream& stream, Origin from)
    : hub(serving),
      origin(std::move(from)),
      stream_(stream),
      queue_({.bytes_max = serving.config().queue_bytes + queue_reserve,
              .when_full = WhenFull::disconnect}),
      splitter_(limits::received_bytes),
      began_(now()),
      last_line_(began_),
      pinged_(began_),
      confirmed_(serving.time()),
      allowance_(serving.config(), began_) {
  hub.add(*this);
}

Session::~Session() {
  hub.detach(*this, ended_because_, lost_);
  hub.remove(*this);
}

// ---- Its life
// -------------------------------------------------------------------------------------

Task<> Session::run() {
  auto body = [this](Group& group) { return converse(group); };
  co_await with_group(body);
}

// The frames of those tasks in which an idle client waits are all that it costs: whatever else is
// awaited is in tasks of its own.

Task<> Session::converse(Group& group) {
  group.start(write_lines());
  co_await read_lines();
  co_await take_leave(group);
}

Task<> Session::take_leave(Group& group) {
  // Before the client can see the end: it may come back at once, under the same nick.
  ending_.set();
  hub.detach(*this, ended_because_, lost_);
  queue_.close();
  Result<> flushed = co_await attempt(with_timeout(limits::farewell_time, all_sent_.wait()));
  group.stop();
  if (!flushed) co_await ieum::fail(flushed.error());
  co_await attempt(stream_.close_gracefully(1s));
}

Task<> Session::read_lines() {
  for (;;) {
    const bool received = co_await receive();
    if (!received) co_return;
    const bool goes_on = co_await obey_received();
    if (!goes_on) co_return;
  }
}

/// False: nothing more comes.
Task<bool> Session::receive() {
  auto [received, ended] = co_await select(stream_.receive(), ending_.wait());
  if (received) {
    if (!*received) {
      ended_because_ = "Read error: " + received->error().to_string();
      co_return false;
    }
    const Lease data = *std::move(*received);
    if (data.empty()) co_return false;
    splitter_.add({reinterpret_cast<const char*>(data.data()), data.size()});
  }
  co_return !ended;
}

/// The lines that are whole. False: it ends.
Task<bool> Session::obey_received() {
  std::size_t lines = 0;
  for (;;) {
    std::optional<std::string> line = splitter_.next();
    if (!line) co_return true;
    co_await wait_for_turn();
    if (is_ending()) co_return false;
    co_await obey(*std::move(line));
    if (is_ending()) co_return false;
    if (++lines % lines_at_once == 0) co_await yield();
  }
}

Task<> Session::write_lines() {
  std::vector<Payload> batch;
  for (;;) {
    Result<> popped = co_await attempt(queue_.pop_all(batch));
    if (!popped) break;  // closed, and all is out
    co_await write(batch);
    batch = std::vector<Payload>();  // with its memory: there are long waits between lines
  }
  all_sent_.set();
}

Task<> Session::write(std::vector<Payload>& batch) {
  const std::chrono::milliseconds gather = hub.config().gather;
  if (gather.count() > 0 && !is_ending()) {
    co_await sleep(gather);
    std::vector<Payload> more;
    if (!queue_.empty()) {
      co_await attempt(queue_.pop_all(more));
      batch.insert(batch.end(), more.begin(), more.end());
    }
  }
  std::vector<ConstBuffer> parts;
  parts.reserve(batch.size());
  for (const Payload& payload : batch) parts.push_back(payload.bytes());
  const std::span<const ConstBuffer> all = parts;
  co_await stream_.write_all(all);
}

/// Each line takes one of an allowance that grows with time.
Task<> Session::wait_for_turn() {
  const Allowance::Wait wait = allowance_.until_next(hub.config(), now());
  if (wait.count() > 0) {
    ++hub.counts().rate_limits;
    if (!std::exchange(told_of_rate_, true)) {
      standard_reply("NOTE", "*", "RATE_LIMITED", {},
                     "You send more than " + std::to_string(hub.config().lines_per_second) +
                         " lines a second: your lines wait");
      hub.events().write("rate-limited", {{"host", origin.host}, {"nick", nick()}});
    }
    co_await select(sleep(wait), ending_.wait());
  }
  allowance_.take();
}

// ---- A line
// ---------------------------------------------------------------------------------------

Task<> Session::obey(std::string line) {
  last_line_ = now();
  hub.catch_up();  // what others were answered, on any core, is true for this line
  if (is_ending()) co_return;
  ++hub.counts().lines_received;
  std::expected<Message, LineFault> message = parse_message(line);
  if (!message) {
    refuse(message.error(), line);
    co_return;
  }
  co_await obey(*std::move(message));
}

void Session::refuse(LineFault fault, std::string_view line) {
  switch (fault) {
    case LineFault::empty: break;
    case LineFault::too_long:
    case LineFault::tags_too_long: numeric("ERR_INPUTTOOLONG"_numeric); break;
    case LineFault::not_utf8: {
      // The command's name, if the line has got one.
      std::string_view rest = line;
      if (rest.starts_with('@')) rest.remove_prefix(std::min(rest.find(' ') + 1, rest.size()));
      std::string command = upper(rest.substr(0, rest.find(' ')));
      const bool known = find_command(command) != nullptr;
      reply("FAIL", {known ? command : "*", "INVALID_UTF8", "Your line is not valid UTF-8"}, true);
      break;
    }
    case LineFault::controls: fail("*", "INVALID_LINE", {}, "A line holds no NUL and no CR"); break;
    case LineFault::malformed: numeric("ERR_UNKNOWNCOMMAND"_numeric, {"*"}); break;
  }
}

Task<> Session::obey(Message message) {
  const std::string* label = find_tag(message.tags, "label");
  collecting_ = label != nullptr && caps.has(Cap::labeled_response) && caps.has(Cap::batch) &&
                label->size() <= limits::label_bytes && !label->empty();
  if (collecting_) label_ = *label;

  const Command* command = find_command(message.command);
  if (command == nullptr) {
    if (!is_registered() && message.command == "GET") {
      end("This is an IRC server");
    } else if (message.command.size() != 3 || message.command[0] > '9') {
      numeric("ERR_UNKNOWNCOMMAND"_numeric, {shown(message.command)});
    }
  } else if (!is_registered() && !command->before_registration) {
    numeric("ERR_NOTREGISTERED"_numeric);
  } else if (message.params.size() < command->params_min) {
    if (command->name == "NICK") {
      numeric("ERR_NONICKNAMEGIVEN"_numeric);
    } else {
      numeric("ERR_NEEDMOREPARAMS"_numeric, {command->name});
    }
  } else if (command->now != nullptr) {
    command->now(*this, message);
  } else {
    Task<> doing = command->later(*this, std::move(message));
    Result<> done = co_await attempt(std::move(doing));
    if (!done) {
      if (done.error() == std::errc::operation_canceled) co_await ieum::fail(done.error());
      hub.events().write("command-failed",
                         {{"command", command->name}, {"error", done.error().to_string()}});
      fail(command->name, "TEMPORARILY_UNAVAILABLE", {}, "That did not work just now: try again");
    }
  }
  if (collecting_) send_collected();
}

/// What answers a labeled line, with its label.
void Session::send_collected() {
  collecting_ = false;
  std::vector<Collected> lines = std::exchange(collected_, {});
  const auto send = [&](const Collected& collected) {
    push(Payload(with_tags(collected.tags, collected.line)));
  };
  if (lines.empty()) {
    lines.push_back({{}, ":" + hub.config().name + " ACK\r\n"});
    if (caps.has(Cap::server_time)) {
      lines.front().tags.push_back({"time", format_time(hub.time())});
    }
  }
  // One line, or one batch, bears the label itself.
  const std::string opened = " BATCH +";
  bool is_batch = lines.size() > 1 && lines.front().line.contains(opened);
  if (is_batch) {
    const std::string& first = lines.front().line;
    const std::size_t at = first.find(opened) + opened.size();
    const std::string reference = first.substr(at, first.find(' ', at) - at);
    is_batch = lines.back().line.contains(" BATCH -" + reference + "\r");
  }
  if (lines.size() == 1 || is_batch) {
    lines.front().tags.insert(lines.front().tags.begin(), {"label", label_});
    for (const Collected& collected : lines) send(collected);
    return;
  }
  const std::string reference = "l" + std::to_string(++batches_);
  const std::string source = ":" + hub.config().name + " BATCH ";
  send({{{"label", label_}}, source + "+" + reference + " labeled-response\r\n"});
  for (Collected& collected : lines) {
    if (find_tag(collected.tags, "batch") == nullptr) {
      collected.tags.insert(collected.tags.begin(), {"batch", reference});
    }
    send(collected);
  }
  send({{}, source + "-" + reference + "\r\n"});
}

// ---- Its end
// --------------------------------------------------------------------------------------

void Session::end(std::string_view why, bool lost) {
  if (is_ending()) return;
  ended_because_ = why;
  lost_ = lost;
  push(Payload("ERROR :Closing link: " + origin.host + " (" + std::string(why) + ")\r\n"));
  ending_.set();
}

void Session::quit(std::string_view why) { end(why); }

// ---- Clocks
// ---------------------------------------------------------------------------------------

void Session::look_at_clocks(TimePoint at) {
  const Config& config = hub.config();
  if (is_ending()) return;
  if (!is_registered()) {
    if (at - began_ >= config.registration_time) end("Registration took too long");
    return;
  }
  if (ping_pending_) {
    if (at - pinged_ >= config.ping_timeout && last_line_ <= pinged_) {
      end("Ping timeout: " +
              std::to_string(std::chrono::floor<std::chrono::seconds>(at - last_line_).count()) +
              " seconds",
          true);
    } else if (at - pinged_ >= config.ping_timeout) {
      ping_pending_ = false;  // it answers no pings, but it is there
    }
    return;
  }
  if (at - pinged_ < config.ping_after) return;
  pinged_ = at;
  ping_pending_ = true;
  ping_time_ = hub.time();
  push(Payload("PING :" + hub.config().name + "\r\n"));
}

void Session::pong(std::string_view /*token*/) {
  if (!std::exchange(ping_pending_, false)) return;
  confirmed_ = std::max(confirmed_, ping_time_);
}

Task<> Session::room_for_more() {
  while (queue_.bytes() > hub.config().queue_bytes / 2 && !is_ending()) {
    co_await select(sleep(20ms), ending_.wait());
  }
}

}  // namespace ieum::hub
