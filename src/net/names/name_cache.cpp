// NameCache: a short list, the last used first, the last one of which makes room.
#include "net/names/name_cache.hpp"

#include <algorithm>

namespace ieum::detail {

namespace {
// A runtime may end after the thread's cache.
thread_local constinit bool has_gone = false;
}  // namespace

NameCache* NameCache::of_this_thread() {
  struct Owner {
    Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    ~Owner() { has_gone = true; }
    NameCache cache;
  };
  if (has_gone) return nullptr;
  static thread_local Owner owner;
  return &owner.cache;
}

const std::vector<Address>* NameCache::find(const Key& key, TimePoint now) {
  const auto entry = std::ranges::find(entries_, key, &Entry::key);
  if (entry == entries_.end()) return nullptr;
  if (entry->until <= now) {
    entries_.erase(entry);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, entry);
  return &entry->addresses;
}

void NameCache::keep(Key key, std::vector<Address> addresses, Duration ttl, TimePoint now) {
  const TimePoint until = now + std::min(ttl, ResolveOptions::cached_time_max);
  std::erase_if(entries_, [&](const Entry& entry) { return entry.key == key; });
  if (until <= now || addresses.empty()) return;
  if (entries_.size() == ResolveOptions::cached_names_max) entries_.pop_back();
  entries_.push_front({std::move(key), std::move(addresses), until});
}

NameCache::Key cache_key(std::string_view name, const ResolveOptions& options) {
  NameCache::Key key{.name = std::string(name),
                     .family = options.family,
                     .server = options.server,
                     .configuration = {}};
  if (options.server.family() == Family::none) key.configuration = resolv_conf_stamp();
  return key;
}

}  // namespace ieum::detail
