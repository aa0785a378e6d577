// Waiting for a descriptor that another library owns.
#pragma once

#include <ieum/detail/handle_io.hpp>

namespace ieum {

/// Waits until reading from `descriptor` would not block, or would fail; reads nothing, and changes
/// none of its flags. A regular file is always ready. The descriptor must stay open until this has
/// ended. Errors: `bad_file_descriptor`, `operation_canceled`. See poll(2).
[[nodiscard]] inline detail::HandleIo<void> wait_readable(int descriptor) noexcept {
  return detail::HandleIo<void>({.kind = Operation::Kind::wait_readable,
                                 .handle = descriptor,
                                 .name = "wait until readable"});
}

/// The same for writing.
[[nodiscard]] inline detail::HandleIo<void> wait_writable(int descriptor) noexcept {
  return detail::HandleIo<void>({.kind = Operation::Kind::wait_writable,
                                 .handle = descriptor,
                                 .name = "wait until writable"});
}

}  // namespace ieum
