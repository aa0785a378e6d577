// NameCache: what name servers have answered, for as long as they say.
#pragma once

#include <list>
#include <string>
#include <vector>

#include <ieum/address.hpp>
#include <ieum/operation.hpp>
#include <ieum/resolve.hpp>

#include "net/names/resolv_conf.hpp"

namespace ieum::detail {

/// The addresses of names that this thread has asked for, at most `ResolveOptions::
/// cached_names_max` names. A name without addresses is not kept.
class NameCache {
 public:
  struct Key {
    std::string name;  // as it is asked for
    Family family = Family::none;
    Address server;
    FileStamp configuration;
    friend bool operator==(const Key&, const Key&) = default;
  };

  /// That of this thread; none at the end of the thread, when it has gone.
  static NameCache* of_this_thread();

  /// Null: it is not known, or not any more. Valid until the next call.
  const std::vector<Address>* find(const Key& key, TimePoint now);
  void keep(Key key, std::vector<Address> addresses, Duration ttl, TimePoint now);

 private:
  struct Entry {
    Key key;
    std::vector<Address> addresses;
    TimePoint until;
  };
  std::list<Entry> entries_;  // the last used first
};

/// What an answer depends on.
[[nodiscard]] NameCache::Key cache_key(std::string_view name, const ResolveOptions& options);

}  // namespace ieum::detail
