// Which name servers have not answered lately.
#pragma once

#include <ieum/address.hpp>
#include <ieum/operation.hpp>

namespace ieum::detail {

/// Of this thread: a server that has let its time pass is asked last for `failed_time`, so that not
/// each lookup waits for it.
/// It has been waited for since `asked_at`, in vain so far. Once such times add up to `limit`, also
/// those of lookups whose own deadline came before, it has failed.
void server_silent(const Address& server, TimePoint asked_at, TimePoint now,
                   Duration limit) noexcept;
void server_failed(const Address& server, TimePoint now) noexcept;
void server_answered(const Address& server) noexcept;
[[nodiscard]] bool has_failed_lately(const Address& server, TimePoint now) noexcept;

}  // namespace ieum::detail
