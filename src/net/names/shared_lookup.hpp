// SharedLookup: one question to the name servers for all who ask the same at the same time.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include <ieum/error.hpp>
#include <ieum/event.hpp>

#include "net/names/lookup_limiter.hpp"
#include "net/names/name_query.hpp"

namespace ieum::detail {

class Loop;
class LookupMember;

/// A lookup under way on one runtime. Lives as long as it has members; one of them leads: waits for
/// c-ares. If the leader goes, another goes on where it was.
class SharedLookup {
 public:
  SharedLookup(const SharedLookup&) = delete;
  SharedLookup& operator=(const SharedLookup&) = delete;

 private:
  friend class LookupMember;
  using Table = std::unordered_multimap<std::string, SharedLookup*>;
  static thread_local constinit Table* table_;

  SharedLookup(Loop& loop, std::string host, const ResolveOptions& options);
  ~SharedLookup();
  static SharedLookup& find_or_make(Loop& loop, const std::string& host,
                                    const ResolveOptions& options);
  [[nodiscard]] bool is_over() const noexcept {
    return failure_ || (ipv6_.settled && ipv4_.settled);
  }
  Task<> lead();
  Result<> ask();
  void tell_members() noexcept;
  void over() noexcept;
  void keep_answers();

  Loop& loop_;
  std::string host_;
  ResolveOptions options_;
  NameAnswer ipv6_;
  NameAnswer ipv4_;
  std::optional<Error> failure_;
  LookupLimiter place_;
  std::optional<NameQuery> query_;
  LookupMember* members_ = nullptr;
  LookupMember* leader_ = nullptr;  // or who has been woken to lead
  Table::iterator in_table_;
};

/// One who asks: fills `answers`, which must outlive it, one family after the other.
class LookupMember {
 public:
  LookupMember(Loop& loop, const std::string& host, std::uint16_t port,
               const ResolveOptions& options, NameAnswers& answers);
  LookupMember(const LookupMember&) = delete;
  LookupMember& operator=(const LookupMember&) = delete;
  ~LookupMember();

  /// Until both families are settled. Errors: those of `NameQuery::open`.
  Task<> wait();

 private:
  friend class SharedLookup;
  void take_answers();

  SharedLookup& lookup_;
  std::uint16_t port_;
  NameAnswers& answers_;
  Event woken_;
  LookupMember* previous_ = nullptr;
  LookupMember* next_ = nullptr;
};

}  // namespace ieum::detail
