// A name server for the tests: answers from a table, and in every wrong way that it is told.
#pragma once

#include <atomic>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "conformance/conformance.hpp"

namespace ieum::test {

/// What the server does with a question for one name and one family.
struct DnsAnswer {
  enum class Kind {
    addresses,  ///< none of them: the name has no address
    silence,
    no_name,    ///< NXDOMAIN
    failure,    ///< SERVFAIL
    refusal,    ///< REFUSED
    truncated,  ///< by UDP; by TCP the addresses
    nonsense,   ///< the addresses, with an address record that is longer than the message
    garbage,    ///< the addresses with random changes, or random bytes
  };
  Kind kind = Kind::addresses;
  std::vector<std::string> addresses{};
  Duration delay{};
  int ignored = 0;   ///< so many questions are not answered
  unsigned ttl = 0;  ///< seconds for which an answer may be kept
};

struct DnsName {
  DnsAnswer ipv4;
  DnsAnswer ipv6;
};

/// Runs in a thread of its own, by UDP and TCP. Names that are not in its table do not exist.
class DnsServer {
 public:
  explicit DnsServer(std::map<std::string, DnsName> names,
                     std::string_view address = "127.0.0.1:0");
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;
  ~DnsServer();

  [[nodiscard]] const Address& address() const noexcept { return address_; }
  /// Questions that have come, of both families.
  [[nodiscard]] int questions() const noexcept { return questions_; }
  [[nodiscard]] int questions_by_tcp() const noexcept { return questions_by_tcp_; }

 private:
  struct Reply;
  void run();
  void take_datagram(std::vector<Reply>& replies);
  void take_connection();
  /// Empty: no answer.
  std::string answer_to(const std::string& question, bool by_tcp, Duration& delay);
  std::string garbage(std::string answer);

  std::map<std::string, DnsName> names_;
  Address address_;
  Descriptor udp_;
  Descriptor tcp_;
  Pipe stop_;
  std::atomic<int> questions_ = 0;
  std::atomic<int> questions_by_tcp_ = 0;
  std::mt19937_64 random_;
  std::jthread thread_;
};

}  // namespace ieum::test
