// NameQuery: asks name servers for the addresses of one name.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

#include <ieum/event.hpp>
#include <ieum/resolve.hpp>
#include <ieum/result.hpp>
#include <ieum/task.hpp>

struct ares_channeldata;

namespace ieum::detail {

/// What was found out about a name's addresses of one family.
struct NameAnswer {
  bool settled = true;  ///< nothing will be added
  std::vector<Address> addresses;
  std::error_code failure;  ///< why there is none
  std::string detail;       ///< more words for it
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
  explicit NameQuery(NameAnswers& answers)
      : ipv6_(*this, answers.ipv6), ipv4_(*this, answers.ipv4), changed_(answers.changed) {}
  NameQuery(const NameQuery&) = delete;
  NameQuery& operator=(const NameQuery&) = delete;
  ~NameQuery();

  /// Reads the system's configuration. Errors: `not_enough_memory`, or why the sources of
  /// randomness or that configuration cannot be had.
  Result<> open(const ResolveOptions& options);
  /// Sends the questions whose answers are not settled.
  void ask(const std::string& host, std::uint16_t port);
  /// Waits until all is settled; whatever the servers say is no error.
  Task<> drive();

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
    std::uint16_t port = 0;
  };
  struct Callbacks;
  friend struct Callbacks;
  [[nodiscard]] bool settled() const noexcept {
    return ipv6_.answer.settled && ipv4_.answer.settled;
  }
  Result<> use_servers(const Address& only);
  Task<Readiness> until_timeout();
  void settle(Question& question, int status);
  void explain(NameAnswer& answer, int status) const;

  ares_channeldata* channel_ = nullptr;
  Question ipv6_;
  Question ipv4_;
  Event& changed_;
  // What last went wrong with a server: c-ares does not tell. One of them is 0.
  int response_code_ = 0;
  int error_number_ = 0;
};

}  // namespace ieum::detail
