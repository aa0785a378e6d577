// What the hub's tests share.
#include "hub/irc/hub_test.hpp"

#include "irc/base64.hpp"

namespace ieum::test {

Task<HttpAnswer> ask_http(Address server, std::string request, std::string fields,
                          std::string body) {
  StreamSocket socket = co_await StreamSocket::connect(server);
  std::string head = request + " HTTP/1.1\r\nConnection: close\r\n" + fields;
  if (!fields.contains("Host:")) head += "Host: localhost\r\n";
  if (!body.empty()) head += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  head += "\r\n" + body;
  co_await socket.write_all(head);
  HttpAnswer answer;
  for (;;) {
    const Lease data = co_await socket.receive();
    if (data.empty()) break;
    answer.text.append(reinterpret_cast<const char*>(data.data()), data.size());
  }
  if (answer.text.size() > 12) answer.status = std::stoi("0" + answer.text.substr(9, 3));
  const std::size_t end = answer.text.find("\r\n\r\n");
  if (end != std::string::npos) answer.body = answer.text.substr(end + 4);
  co_return answer;
}

Task<> HubClient::send(std::string line) {
  if (hub_ != nullptr) co_await hub_->settle();
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

namespace {

/// Cores of a hub: on each driver another number; IEUM_HUB_CORES says otherwise. Simulated
/// runtimes cannot talk with one another's threads.
std::size_t cores_wanted() {
  const char* const driver = std::getenv("IEUM_DRIVER");
  const std::string_view name = driver != nullptr ? driver : "";
  if (name == "sim") return 1;
  if (const char* const number = std::getenv("IEUM_HUB_CORES")) return std::stoul(number);
  return name == "epoll" ? 4 : 2;
}

hub::Time test_clock() {
  // The simulator's time is not of this day; what counts is that it goes on.
  const auto since = std::chrono::floor<std::chrono::milliseconds>(now().time_since_epoch());
  return hub::Time(std::chrono::sys_days(std::chrono::January / 1 / 2030) + since);
}

}  // namespace

TestHub::TestHub() {
  config.name = "hub.test";
  config.network = "Test";
  config.lines_per_second = 0;
  config.linger = 0ms;
}

TestHub::~TestHub() { stop(); }

void TestHub::stop() {
  stop_.request_stop();
  if (others_.joinable()) others_.join();
}

Task<> TestHub::start(Group& group) {
  const std::size_t cores = cores_wanted();
  common_ = std::make_unique<hub::Common>(std::make_shared<const hub::Config>(config), cores);
  const hub::Services services{log, accounts, events_, test_clock, *common_};
  tail_.emplace(log.follow());
  for (std::size_t i = 0; i < cores; ++i) {
    hubs_.push_back(std::make_unique<hub::Hub>(services, i));
    Listener listener = co_await Listener::bind("127.0.0.1:0");
    addresses_.push_back(listener.address());
    if (i == 0) {
      listeners_ = std::make_unique<hub::Listeners>(server(), nullptr);
      listeners_->add(std::move(listener), false);
      Listener web = co_await Listener::bind("127.0.0.1:0");
      web_address_ = web.address();
      listeners_->add_http(std::move(web), false);
    } else {
      detached_.emplace_back(co_await listener.detach());
    }
  }
  if (cores > 1) {
    others_ = std::thread([this, cores] {
      CoresOptions options;
      options.count = cores - 1;
      const Result<> served =
          run_on_cores([this](Core& core) { return serve(core); }, options, stop_.get_token());
      if (!served && served.error() != std::errc::operation_canceled) {
        ADD_FAILURE() << served.error().to_string_with_trace();
      }
    });
  }
  group.start(server().run());
  co_await server().ready().wait();
  group.start(listeners_->run());
}

namespace {

Task<> serve_both(Group& group, hub::Hub& hub, hub::Listeners& listeners) {
  group.start(hub.run());
  co_await hub.ready().wait();
  group.start(listeners.run());
}

}  // namespace

Task<> TestHub::serve(Core& core) {
  hub::Hub& hub = *hubs_[core.index() + 1];
  hub::Listeners listeners(hub, nullptr);
  DetachedListener detached = *std::move(detached_[core.index()]);
  Listener listener = co_await Listener::attach(std::move(detached));
  listeners.add(std::move(listener), false);
  auto body = [&](Group& group) { return serve_both(group, hub, listeners); };
  co_await with_group(body);
}

Task<> TestHub::settle() {
  while (tail_->take() != nullptr) ++batches_;
  for (const std::unique_ptr<hub::Hub>& hub : hubs_) {
    while (hub->batches_applied() < batches_) co_await sleep(1ms);
  }
}

void TestHub::set_config(const hub::Config& changed) {
  config = changed;
  server().set_config(std::make_shared<const hub::Config>(config));
}

Task<HubClient> TestHub::connect() {
  const Address& address = addresses_[connections_++ % addresses_.size()];
  StreamSocket socket = co_await StreamSocket::connect(address);
  co_return HubClient(std::make_unique<StreamSocket>(std::move(socket)), this);
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
  hub.stop();
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
