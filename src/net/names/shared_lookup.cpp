// SharedLookup: members in a list, lookups in a table of their thread.
#include "net/names/shared_lookup.hpp"

#include <utility>

#include <ieum/detail/loop.hpp>

#include "base/driver.hpp"
#include "net/names/name_cache.hpp"
#include "net/names/resolv_conf.hpp"

namespace ieum::detail {

// As long as a lookup is in it, and no longer: the thread's last runtime may end after what the
// thread destroys.
thread_local constinit SharedLookup::Table* SharedLookup::table_ = nullptr;

SharedLookup::SharedLookup(Loop& loop, std::string host, const ResolveOptions& options)
    : loop_(loop), host_(std::move(host)), options_(options) {
  ipv6_.settled = options.family == Family::ipv4;
  ipv4_.settled = options.family == Family::ipv6;
  if (table_ == nullptr) table_ = new Table;
  in_table_ = table_->emplace(host_, this);
}

SharedLookup::~SharedLookup() {
  table_->erase(in_table_);
  if (table_->empty()) delete std::exchange(table_, nullptr);
}

SharedLookup& SharedLookup::find_or_make(Loop& loop, const std::string& host,
                                         const ResolveOptions& options) {
  ResolveOptions wanted = options;
  wanted.timeout = Duration::zero();  // of each who asks
  if (table_ != nullptr) {
    const auto [begin, end] = table_->equal_range(host);
    for (auto at = begin; at != end; ++at) {
      SharedLookup& lookup = *at->second;
      if (&lookup.loop_ == &loop && !lookup.is_over() && lookup.options_ == wanted) return lookup;
    }
  }
  return *new SharedLookup(loop, host, wanted);
}

Task<> SharedLookup::lead() {
  while (!is_over()) {
    if (place_.is_in_line()) query_.reset();  // it has given way: asked again when it has a place
    co_await place_.come(options_.at_once_max);
    if (!query_) {
      const Result<> asked = ask();
      if (!asked) {
        failure_ = asked.error();
        over();
        co_return;
      }
    }
    co_await query_->drive(place_);
  }
}

Result<> SharedLookup::ask() {
  query_.emplace(ipv6_, ipv4_, [this] { tell_members(); }, loop_.driver());
  const Result<> opened = query_->open(options_);
  if (opened) query_->ask(host_);
  return opened;
}

void SharedLookup::tell_members() noexcept {
  if (is_over()) keep_answers();
  for (LookupMember* at = members_; at != nullptr; at = at->next_) at->take_answers();
  if (is_over()) over();
}

void SharedLookup::over() noexcept {
  for (LookupMember* at = members_; at != nullptr; at = at->next_) at->woken_.set();
}

/// In the cache: answers of both families, or those of one and that there is none of the other.
void SharedLookup::keep_answers() {
  NameCache* const cache = options_.cache ? NameCache::of_this_thread() : nullptr;
  if (cache == nullptr) return;
  std::optional<Duration> ttl;
  std::vector<Address> addresses;
  for (const NameAnswer* answer : {&ipv6_, &ipv4_}) {
    if (answer->addresses.empty()) {
      if (answer->failure && answer->failure != Errc::name_has_no_address) return;
      continue;
    }
    ttl = ttl ? std::min(*ttl, answer->ttl) : answer->ttl;
    addresses.insert(addresses.end(), answer->addresses.begin(), answer->addresses.end());
  }
  if (ttl) {
    cache->keep(cache_key(host_, options_), std::move(addresses), *ttl, loop_.driver().now());
  }
}

LookupMember::LookupMember(Loop& loop, const std::string& host, std::uint16_t port,
                           const ResolveOptions& options, NameAnswers& answers)
    : lookup_(SharedLookup::find_or_make(loop, host, options)),
      port_(port),
      answers_(answers),
      next_(lookup_.members_) {
  if (next_ != nullptr) next_->previous_ = this;
  lookup_.members_ = this;
  answers_.ipv6.settled = answers_.ipv4.settled = false;
  take_answers();
}

LookupMember::~LookupMember() {
  (previous_ != nullptr ? previous_->next_ : lookup_.members_) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
  if (lookup_.members_ == nullptr) {
    delete &lookup_;
  } else if (lookup_.leader_ == this) {
    lookup_.leader_ = lookup_.members_;
    lookup_.leader_->woken_.set();
  }
}

void LookupMember::take_answers() {
  const std::pair<const NameAnswer*, NameAnswer*> both[] = {{&lookup_.ipv6_, &answers_.ipv6},
                                                            {&lookup_.ipv4_, &answers_.ipv4}};
  for (const auto& [from, to] : both) {
    if (!from->settled || to->settled) continue;
    *to = *from;
    for (Address& address : to->addresses) address.set_port(port_);
    answers_.changed.set();
  }
}

Task<> LookupMember::wait() {
  while (!lookup_.is_over()) {
    if (lookup_.leader_ == nullptr) lookup_.leader_ = this;
    if (lookup_.leader_ == this) {
      co_await lookup_.lead();
    } else {
      woken_.reset();
      co_await woken_.wait();
    }
  }
  if (lookup_.failure_) co_await fail(*lookup_.failure_);
}

}  // namespace ieum::detail
