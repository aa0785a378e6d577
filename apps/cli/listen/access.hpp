// Who may come in: --allow and --deny.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <ieum/address.hpp>
#include <ieum/operation.hpp>
#include <ieum/task.hpp>

#include "options/prefix.hpp"
#include "options/usage_error.hpp"

namespace ieum::cli {

/// Addresses, prefixes and names, as they were written.
struct AccessList {
  std::vector<Prefix> prefixes{};
  std::vector<std::string> names{};
  [[nodiscard]] bool is_empty() const noexcept { return prefixes.empty() && names.empty(); }
};
/// Reads `192.0.2.0/24,::1,example.com`, the value of `option`.
[[nodiscard]] Parsed<AccessList> parse_access_list(std::string_view option, std::string_view text);

/// What is allowed and denied, with all names looked up.
class Access {
 public:
  /// Everyone.
  Access() = default;
  /// The names are looked up once, within `limit`. Errors: those of `resolve`.
  [[nodiscard]] static Task<Access> make(AccessList allowed, AccessList denied, Duration limit);

  /// Whether `peer` may come in: nobody denies it, and if anybody is allowed, it is.
  [[nodiscard]] bool admits(const Address& peer) const noexcept;

 private:
  bool allows_all_ = true;
  std::vector<Prefix> allowed_;
  std::vector<Prefix> denied_;
};

}  // namespace ieum::cli
