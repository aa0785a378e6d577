// The tables of the hub's database, and how an older database becomes one of today.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "sqlite/connection.hpp"

namespace ieum::hub {

/// "ieum": tells our databases from others' (PRAGMA application_id).
inline constexpr std::int64_t application_id = 0x6965756d;

/// SQL that leads from version N to N + 1, at index N. A step never changes once it was released.
[[nodiscard]] std::span<const char* const> schema_steps() noexcept;
[[nodiscard]] std::int64_t schema_version() noexcept;

/// Whether `connection` is of a database of ours that this program can read: the reason if not.
[[nodiscard]] std::expected<void, std::string> recognize(Connection& connection);

/// Makes the database one of the newest version, in one transaction. The reason if it cannot be.
/// Throws `SqliteError`.
[[nodiscard]] std::expected<void, std::string> upgrade(
    Connection& connection, std::span<const char* const> steps = schema_steps());

/// A figure of the table `meta`: "epoch", "run". All throw `SqliteError`.
[[nodiscard]] std::uint64_t meta(Connection& connection, std::string_view name);
void set_meta(Connection& connection, std::string_view name, std::uint64_t value);
/// How many entries there have ever been, those included that are gone.
[[nodiscard]] std::uint64_t count_entries(Connection& connection);
/// Random, and not 0.
[[nodiscard]] std::uint64_t new_epoch();

}  // namespace ieum::hub
