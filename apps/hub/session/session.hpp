// Session: a client's connection: its lines in, its answers and everybody's lines out.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <ieum/event.hpp>
#include <ieum/send_queue.hpp>
#include <ieum/stream.hpp>

#include "irc/caps.hpp"
#include "irc/message.hpp"
#include "irc/numerics.hpp"
#include "rooms/hub.hpp"
#include "session/line_splitter.hpp"

namespace ieum::hub {

/// Where a client comes from.
struct Origin {
  std::string host;      // as others see it
  bool secure = false;   // TLS
  bool trusted = false;  // a password may be sent: TLS, or this machine
};

class Session {
 public:
  Session(Hub& hub, Stream& stream, Origin origin);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  /// Serves the client until it has gone.
  [[nodiscard]] Task<> run();

  // ---- Who it is
  // ------------------------------------------------------------------------------------
  Hub& hub;
  const Origin origin;
  User* user = nullptr;  // once it has registered
  CapSet caps;
  bool knows_caps = false;  // it has asked for some
  bool wants_cap_values = false;

  /// What is known of it before it has registered.
  struct Registering {
    std::string nick;
    std::string user;
    std::string realname;
    std::string password;
    bool negotiating = false;
    bool busy = false;  // completing
  };
  Registering registering;
  std::string account;        // logged in as; its display name
  std::string sasl_response;  // what has come of it
  bool sasl_begun = false;
  std::size_t failures = 0;    // of passwords
  std::string resume_session;  // whose secrets come of one another
  std::string resume_secret;   // the next one, to be told when it has registered
  std::string resumed_identity;
  std::vector<std::string> watching;  // MONITOR: nicks, as they were given
  std::string join_marker;            // MARKREAD's answer, for the room that it is joining
  std::optional<Time> missed_since;   // what it was sent before then, it has
  std::uint64_t told = 0;             // the last telling that it was part of (Hub)

  [[nodiscard]] std::string nick() const;
  [[nodiscard]] bool is_registered() const noexcept { return user != nullptr; }
  [[nodiscard]] const std::string& identity() const noexcept { return user->identity; }

  // ---- Answers
  // --------------------------------------------------------------------------------------
  void numeric(const Numeric& numeric, std::initializer_list<std::string_view> params = {});
  void numeric(const Numeric& numeric, std::vector<std::string> params);
  /// FAIL, to those who know it; a notice to the others.
  void fail(std::string_view command, std::string_view code,
            std::initializer_list<std::string_view> context, std::string_view text);
  void standard_reply(std::string_view type, std::string_view command, std::string_view code,
                      std::initializer_list<std::string_view> context, std::string_view text);
  /// A line of the server's own: `:hub COMMAND params`.
  void reply(std::string_view command, std::vector<std::string> params, bool trailing = false);
  /// A line that answers a command, whoever it is from.
  void answer(const Outgoing& line);
  void answer(Tags tags, std::string line);
  /// Lines that belong together, if the client knows batches; the reference for their tag.
  [[nodiscard]] std::string begin_batch(std::vector<std::string> params);
  void end_batch(const std::string& reference);

  // ---- What others have said
  // --------------------------------------------------------------------------
  /// `response`: it comes of the command that this session is just doing.
  void deliver(Outgoing& line, bool response = false);

  // ---- Its end
  // ----------------------------------------------------------------------------------------
  /// Tells the client why, and ends; from anywhere, does not wait.
  void end(std::string_view why, bool lost = false);
  [[nodiscard]] bool is_ending() const noexcept { return ending_.is_set(); }
  /// The client has finished as it should (QUIT).
  void quit(std::string_view why);

  // ---- Clocks
  // -----------------------------------------------------------------------------------------
  /// Once a second: deadlines, pings.
  void look_at_clocks(TimePoint now);
  void pong(std::string_view token);
  /// Up to when the client surely has what it was sent.
  [[nodiscard]] Time confirmed() const noexcept { return confirmed_; }
  [[nodiscard]] TimePoint last_line() const noexcept { return last_line_; }

  /// Waits while much is queued for the client: for long answers.
  [[nodiscard]] Task<> room_for_more();

 private:
  struct Collected {
    Tags tags;
    std::string line;
  };
  Task<> converse(Group& group);
  Task<> take_leave(Group& group);
  Task<> read_lines();
  Task<bool> receive();
  Task<bool> obey_received();
  Task<> write_lines();
  Task<> write(std::vector<Payload>& batch);
  Task<> obey(std::string line);
  Task<> obey(Message message);
  Task<> wait_for_turn();
  void refuse(LineFault fault, std::string_view line);
  void push(Payload payload);
  void send_collected();

  Stream& stream_;
  SendQueue queue_;
  LineSplitter splitter_;
  Event ending_;
  Event all_sent_;
  std::string ended_because_ = "Connection closed";
  bool lost_ = true;  // rather than quit
  bool collecting_ = false;
  std::string label_;
  std::vector<Collected> collected_;
  std::uint64_t batches_ = 0;

  TimePoint began_{};
  TimePoint last_line_{};
  TimePoint pinged_{};
  bool ping_pending_ = false;
  Time ping_time_{};
  Time confirmed_{};
  Allowance allowance_;  // of lines
  bool told_of_rate_ = false;
};

}  // namespace ieum::hub
