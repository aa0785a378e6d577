// NameQuery: asks name servers for the addresses of one name.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

#include <ieum/event.hpp>
#include <ieum/resolve.hpp>
#include <ieum/result.hpp>
#include <ieum/task.hpp>

#include "base/driver.hpp"
#include "net/names/lookup_limiter.hpp"

struct ares_channeldata;

namespace ieum::detail {

/// What was found out about a name's addresses of one family.
struct NameAnswer {
  bool settled = true;  ///< nothing will be added
  std::vector<Address> addresses;
  std::error_code failure;  ///< why there is none
  std::string detail;       ///< more words for it
  Duration ttl{};           ///< how long the addresses may be kept
};

struct NameAnswers {
  NameAnswer ipv6;
  NameAnswer ipv4;
  Event changed;  ///< set whenever one of them has been settled
};

/// One lookup by c-ares, which speaks DNS but leaves the waiting to us: it has a channel of its
/// own, so that ending it ends all that it does. Descriptors are close-on-exec and closed by the
/// destructor at the latest.
class NameQuery {
 public:
  /// Fills both answers, whose addresses have no port, and calls `settled` after each.
  NameQuery(NameAnswer& ipv6, NameAnswer& ipv4, std::function<void()> settled, Driver& driver)
      : ipv6_(*this, ipv6),
        ipv4_(*this, ipv4),
        on_settled_(std::move(settled)),
        driver_(driver),
        began_(driver.now()) {}
  NameQuery(const NameQuery&) = delete;
  NameQuery& operator=(const NameQuery&) = delete;
  ~NameQuery();

  /// Reads the system's configuration. Errors: `not_enough_memory`, or why the sources of
  /// randomness or that configuration cannot be had.
  Result<> open(const ResolveOptions& options);
  /// Sends the questions whose answers are not settled.
  void ask(const std::string& host);
  /// Waits until all is settled; whatever the servers say is no error. What takes long gives way to
  /// others: it ends early if it has lost its `place`. May be called again after it was stopped.
  Task<> drive(LookupLimiter& place);

  /// A socket of c-ares that can be read from, or written to.
  struct Readiness {
    int descriptor = -1;
    bool readable = false;
  };

 private:
  struct Question {
    Question(NameQuery& of, NameAnswer& to) : query(of), answer(to) {}
    NameQuery& query;
    NameAnswer& answer;
  };
  /// A socket of c-ares, and what became of what was sent by it.
  struct Conversation {
    int descriptor = -1;
    Address server;
    TimePoint asked_at = TimePoint::max();
    bool answered = false;
    bool failed = false;
  };
  struct Callbacks;
  friend struct Callbacks;
  [[nodiscard]] bool settled() const noexcept {
    return ipv6_.answer.settled && ipv4_.answer.settled;
  }
  Result<> use_servers(const Address& only);
  /// The last one with this descriptor; null: none.
  Conversation* conversation(int descriptor) noexcept;
  void take_what_has_come();
  Task<Readiness> until_timeout(TimePoint patient_until);
  void settle(Question& question, int status);
  void explain(NameAnswer& answer, int status) const;

  ares_channeldata* channel_ = nullptr;
  Question ipv6_;
  Question ipv4_;
  std::function<void()> on_settled_;
  Driver& driver_;
  TimePoint began_;
  Duration server_timeout_{};
  std::vector<Conversation> conversations_;
  // What last went wrong with a server: c-ares does not tell. One of them is 0.
  int response_code_ = 0;
  int error_number_ = 0;
};

}  // namespace ieum::detail
