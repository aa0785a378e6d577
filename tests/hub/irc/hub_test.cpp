// What the hub's tests share.
#include "hub/irc/hub_test.hpp"

#include "irc/base64.hpp"

namespace ieum::test {

Task<> HubClient::send(std::string line) {
  line += "\r\n";
  co_await stream_->write_all(line);
}

Task<> HubClient::send_bytes(std::string bytes) { co_await stream_->write_all(bytes); }

Task<std::string> HubClient::line() {
  for (;;) {
    std::optional<std::string> next = splitter_.next();
    if (next) co_return *std::move(next);
    Result<Lease> data = co_await attempt(with_timeout(patience, stream_->receive()));
    if (!data) {
      if (data.error() == std::errc::timed_out) ADD_FAILURE() << nick << ": no line came";
      co_return "";
    }
    if (data->empty()) co_return "";
    splitter_.add({reinterpret_cast<const char*>(data->data()), data->size()});
  }
}

Task<std::string> HubClient::until(std::string part) {
  std::string seen;
  for (;;) {
    std::string next = co_await line();
    if (next.empty()) {
      ADD_FAILURE() << nick << ": no line with \"" << part << "\", but\n" << seen;
      co_return "";
    }
    if (next.contains(part)) co_return next;
    seen += next + "\n";
  }
}

Task<std::string> HubClient::sync() {
  const std::string token = "sync" + std::to_string(++syncs_);
  co_await send("PING " + token);
  std::string all;
  for (;;) {
    std::string next = co_await line();
    if (next.empty()) {
      ADD_FAILURE() << nick << ": the end, after\n" << all;
      co_return all;
    }
    if (next.contains("PONG") && next.ends_with(":" + token)) co_return all;
    all += next + "\n";
  }
}

Task<std::string> HubClient::ask(std::string line) {
  co_await send(std::move(line));
  co_return co_await sync();
}

Task<std::string> HubClient::rest() {
  std::string all;
  for (;;) {
    std::string next = co_await line();
    if (next.empty()) co_return all;
    all += next + "\n";
  }
}

Task<> HubClient::close() { co_await attempt(stream_->close()); }

TestHub::TestHub() {
  config.name = "hub.test";
  config.network = "Test";
  config.lines_per_second = 0;
  config.linger = 0ms;
}

Task<> TestHub::start(Group& group) {
  const auto clock = [] {
    // The simulator's time is not of this day; what counts is that it goes on.
    const auto since = std::chrono::floor<std::chrono::milliseconds>(now().time_since_epoch());
    return hub::Time(std::chrono::sys_days(std::chrono::January / 1 / 2030) + since);
  };
  hub_ = std::make_unique<hub::Hub>(std::make_shared<const hub::Config>(config),
                                    hub::Services{log, accounts, events_, clock});
  listeners_ = std::make_unique<hub::Listeners>(*hub_, nullptr);
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  address_ = listener.address();
  listeners_->add(std::move(listener), false);
  group.start(hub_->run());
  co_await hub_->ready().wait();
  group.start(listeners_->run());
}

void TestHub::set_config(const hub::Config& changed) {
  config = changed;
  hub_->set_config(std::make_shared<const hub::Config>(config));
}

Task<HubClient> TestHub::connect() {
  StreamSocket socket = co_await StreamSocket::connect(address_);
  co_return HubClient(std::make_unique<StreamSocket>(std::move(socket)));
}

namespace {

Task<> register_as(HubClient& client, std::string nick, std::string caps, std::string account) {
  client.nick = nick;
  if (!account.empty()) caps += caps.empty() ? "sasl" : " sasl";
  if (!caps.empty()) {
    co_await client.send("CAP LS 302");
    co_await client.send("CAP REQ :" + caps);
    co_await client.until(" ACK ");
  }
  co_await client.send("NICK " + nick);
  co_await client.send("USER " + nick + " 0 * :" + nick + " is real");
  if (!account.empty()) {
    co_await client.send("AUTHENTICATE PLAIN");
    co_await client.until("AUTHENTICATE +");
    const std::string plain = std::string("\0", 1) + account + std::string("\0", 1) + "password";
    co_await client.send("AUTHENTICATE " + hub::encode_base64(plain));
    co_await client.until(" 903 ");
  }
  if (!caps.empty()) co_await client.send("CAP END");
  co_await client.until(" 422 ");  // no MOTD: the last of the greeting
}

}  // namespace

Task<HubClient> TestHub::client(std::string nick, std::string caps) {
  HubClient made = co_await connect();
  co_await register_as(made, std::move(nick), std::move(caps), {});
  co_return made;
}

Task<HubClient> TestHub::member(std::string nick, std::string caps) {
  hub::Account account;
  account.name = nick;
  account.display_name = nick;
  co_await accounts.register_account(std::move(account), "password");
  HubClient made = co_await connect();
  co_await register_as(made, nick, std::move(caps), nick);
  co_return made;
}

namespace {

Task<> converse(TestHub& hub, Task<> (*conversation)(TestHub&), Group& group) {
  co_await hub.start(group);
  co_await conversation(hub);
  group.stop();
}

Task<> run_in(TestHub& hub, Task<> (*conversation)(TestHub&)) {
  auto body = [&](Group& group) { return converse(hub, conversation, group); };
  co_await with_group(body);
}

}  // namespace

void run_conversation(Task<> (*conversation)(TestHub&)) {
  const std::unique_ptr<Runtime> runtime = make_runtime();  // outlives the hub's listener
  TestHub hub;
  const Result<> result = run(*runtime, run_in(hub, conversation));
  if (!result && result.error() != std::errc::operation_canceled) {
    ADD_FAILURE() << result.error().to_string_with_trace();
  }
}

::testing::AssertionResult has(const std::string& text, std::string_view part) {
  if (text.contains(part)) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "no \"" << part << "\" in\n" << text;
}

std::string tag_of(const std::string& line, std::string_view key) {
  if (!line.starts_with('@')) return {};
  const hub::Tags tags = hub::parse_tags(line.substr(1, line.find(' ') - 1));
  const std::string* value = hub::find_tag(tags, key);
  return value != nullptr ? *value : std::string();
}

std::string line_with(const std::string& text, std::string_view part) {
  const std::size_t at = text.find(part);
  if (at == std::string::npos) return {};
  const std::size_t before = text.rfind('\n', at);
  const std::size_t from = before == std::string::npos ? 0 : before + 1;
  return text.substr(from, text.find('\n', at) - from);
}

std::size_t count_of(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace ieum::test
