// What the hub's tests share: a hub on this runtime, and clients that talk with it line by line.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <ieum/ieum.hpp>

#include "accounts/memory_account_store.hpp"
#include "listeners/listeners.hpp"
#include "log/memory_room_log.hpp"
#include "rooms/hub.hpp"
#include "session/line_splitter.hpp"
#include "support/support.hpp"

/// A test that is a conversation: `hub` is a `TestHub&`.
#define HUB_TEST(suite, name)                                           \
  static ::ieum::Task<> suite##_##name(::ieum::test::TestHub& hub);     \
  TEST(suite, name) { ::ieum::test::run_conversation(suite##_##name); } \
  static ::ieum::Task<> suite##_##name([[maybe_unused]] ::ieum::test::TestHub& hub)

namespace ieum::test {

using namespace std::chrono_literals;

class TestHub;

/// What a server has answered: the whole of it, and its body.
struct HttpAnswer {
  int status = 0;
  std::string text;
  std::string body;
};
/// Sends a request, `METHOD PATH`, with further `fields`, each with its line break.
Task<HttpAnswer> ask_http(Address server, std::string request, std::string fields = "",
                          std::string body = "");

/// A client that has connected: sends lines, and looks at those that it gets.
class HubClient {
 public:
  /// `hub`: null if it is not of this process.
  explicit HubClient(std::unique_ptr<Stream> stream, TestHub* hub = nullptr)
      : stream_(std::move(stream)), hub_(hub) {}

  /// Once all cores of the hub know what was done before.
  Task<> send(std::string line);
  Task<> send_bytes(std::string bytes);
  /// The next line, without its end; empty at the end of the stream.
  Task<std::string> line();
  /// The first line from now on that contains `part`; fails the test at the end of the stream.
  Task<std::string> until(std::string part);
  /// All lines up to the answer of a PING that is sent now, a line each.
  Task<std::string> sync();
  /// Sends a line, then syncs.
  Task<std::string> ask(std::string line);
  /// All that comes until the end.
  Task<std::string> rest();
  Task<> close();
  [[nodiscard]] Stream& stream() noexcept { return *stream_; }

  std::string nick;

 private:
  std::unique_ptr<Stream> stream_;
  TestHub* hub_;
  hub::LineSplitter splitter_{1 << 20};
  int syncs_ = 0;
};

/// A hub with its log and accounts in memory, on a port of this machine for each of its cores, to
/// which clients connect in turn. Its first core is this runtime.
class TestHub {
 public:
  TestHub();
  ~TestHub();
  TestHub(const TestHub&) = delete;
  TestHub& operator=(const TestHub&) = delete;

  hub::Config config;  // before `start`
  hub::MemoryRoomLog log;
  hub::MemoryAccountStore accounts;
  hub::Hub& server() { return *hubs_.front(); }

  Task<> start(Group& group);
  /// Once this runtime's tasks have ended: ends the other cores.
  void stop();
  Task<HubClient> connect();
  /// One that has registered as `nick`, with these capabilities, and read what greets it.
  Task<HubClient> client(std::string nick, std::string caps = "");
  /// The same, logged in to an account of that name, which is made if there is none.
  Task<HubClient> member(std::string nick, std::string caps = "");
  [[nodiscard]] const Address& address() const noexcept { return addresses_.front(); }
  /// Of the page and its WebSocket, on the first core.
  [[nodiscard]] const Address& web_address() const noexcept { return web_address_; }
  void set_config(const hub::Config& config);
  /// Until every core knows what was told to any before.
  Task<> settle();

 private:
  Task<> serve(Core& core);

  hub::EventLog events_{false, true};
  std::unique_ptr<hub::Common> common_;
  std::vector<std::unique_ptr<hub::Hub>> hubs_;
  std::unique_ptr<hub::Listeners> listeners_;              // of the first core
  std::vector<std::optional<DetachedListener>> detached_;  // of the others
  std::vector<Address> addresses_;
  Address web_address_;
  std::size_t connections_ = 0;
  std::optional<hub::Tail> tail_;  // as the cores have one
  std::uint64_t batches_ = 0;      // that came by it
  std::stop_source stop_;
  std::thread others_;
};

/// All capabilities that a modern client asks for.
inline constexpr std::string_view modern =
    "batch cap-notify echo-message labeled-response message-tags server-time standard-replies "
    "account-tag account-notify away-notify extended-join chghost setname invite-notify "
    "draft/chathistory draft/read-marker draft/message-redaction";

void run_conversation(Task<> (*conversation)(TestHub&));

/// `text` has this line, or a line that contains it.
::testing::AssertionResult has(const std::string& text, std::string_view part);
/// The value of a tag of a line.
std::string tag_of(const std::string& line, std::string_view key);
/// The line of `text` that contains `part`; empty if none does.
std::string line_with(const std::string& text, std::string_view part);
std::size_t count_of(const std::string& text, std::string_view part);

}  // namespace ieum::test
