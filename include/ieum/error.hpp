// Error: what failed, where, and the way it came. Made only when something fails; never allocates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <ieum/address.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// Failures that the system has no number for.
enum class Errc {
  end_of_stream = 1,  ///< the peer finished sending before what was asked for had come
  limit_exceeded,     ///< a stated maximum would be passed
  // Of looking up a name (resolve.hpp):
  name_invalid,          ///< it can be no host's name; nobody was asked
  name_not_found,        ///< the name servers say that there is no such name (NXDOMAIN)
  name_has_no_address,   ///< the name exists, without an address of the family that was asked for
  name_servers_silent,   ///< no name server answered, or none could be reached
  name_servers_refused,  ///< they refuse to answer us (REFUSED)
  name_servers_failed,   ///< they answered that they cannot tell (SERVFAIL), or with nonsense
  closed,                ///< the other end of a mailbox has gone
  // Of TLS (tls_stream.hpp):
  cut_off,                     ///< the connection ended without TLS's farewell: data may be missing
  handshake_failed,            ///< the two sides could not agree, or one refused the other
  certificate_expired,         ///< its time is over, or that of one of its issuers
  certificate_not_yet_valid,   ///< its time has not begun
  certificate_wrong_name,      ///< it is for other hosts
  certificate_unknown_issuer,  ///< nobody whom we trust has issued it
  certificate_self_signed,     ///< nobody but itself vouches for it
  certificate_not_pinned,      ///< its key is none of those that were asked for
  certificate_invalid,         ///< it breaks another rule, which the detail says
};

const std::error_category& error_category() noexcept;
inline std::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}

/// A failure: a code, the operation that failed, the name or the address that it was about, a short
/// detail, and the awaits that it passed on its way up.
///
/// Trivially copyable and about 300 bytes; it is built on failure only. As one sentence:
/// `connect 127.0.0.1:9000: connection refused`. Compare with `error == std::errc::timed_out`.
class Error {
 public:
  static constexpr std::size_t trace_max = 8;
  static constexpr std::size_t detail_bytes_max = 95;  ///< the name and the detail together
  static constexpr std::size_t name_bytes_max = 48;    ///< a longer name is cut, and ends with …

  /// `operation` must live for ever (a literal).
  Error(std::error_code code, const char* operation, const Address& address = {}) noexcept
      : code_(code), operation_(operation), address_(address) {}
  Error(std::errc code, const char* operation, const Address& address = {}) noexcept
      : Error(std::make_error_code(code), operation, address) {}
  Error(Errc code, const char* operation, const Address& address = {}) noexcept
      : Error(make_error_code(code), operation, address) {}

  /// From a system call's error number (errno(3)).
  static Error from_errno(int number, const char* operation, const Address& address = {}) noexcept {
    return {std::error_code(number, std::generic_category()), operation, address};
  }

  [[nodiscard]] std::error_code code() const noexcept { return code_; }
  [[nodiscard]] const char* operation() const noexcept { return operation_; }
  [[nodiscard]] const Address& address() const noexcept { return address_; }
  /// What was looked up or connected to by name: `example.com`. Empty if it was an address.
  [[nodiscard]] std::string_view name() const noexcept { return {text_.data(), name_bytes_}; }
  [[nodiscard]] std::string_view detail() const noexcept {
    return {text_.data() + name_bytes_, detail_bytes_};
  }
  /// The awaits that the error passed, innermost first; at most `trace_max`, the outermost are left
  /// off.
  [[nodiscard]] std::span<const std::source_location> trace() const noexcept {
    return {trace_.data(), trace_length_};
  }

  /// Stands after the operation in the sentence; what is not printable becomes `?`: controls (C1,
  /// too), what is no UTF-8, what changes the direction of writing. Drops the detail.
  Error& set_name(std::string_view name) noexcept;
  [[nodiscard]] Error with_name(std::string_view name) const noexcept {
    Error copy = *this;
    copy.set_name(name);
    return copy;
  }
  /// More words for the sentence, cut at `detail_bytes_max` bytes: "held by nginx (pid 812)";
  /// what is not printable becomes `?`.
  Error& set_detail(std::string_view detail) noexcept;
  [[nodiscard]] Error with_detail(std::string_view detail) const noexcept {
    Error copy = *this;
    copy.set_detail(detail);
    return copy;
  }
  void set_code(std::error_code code) noexcept { code_ = code; }
  void passed(const std::source_location& where) noexcept {
    if (trace_length_ < trace_max) trace_[trace_length_++] = where;
  }

  /// One sentence, one line.
  [[nodiscard]] std::string to_string() const;
  /// The sentence, then a line for each await that it passed.
  [[nodiscard]] std::string to_string_with_trace() const;

  friend bool operator==(const Error& error, std::errc code) noexcept {
    return error.code_ == code;
  }
  friend bool operator==(const Error& error, Errc code) noexcept {
    return error.code_ == make_error_code(code);
  }

 private:
  std::error_code code_;
  const char* operation_;
  Address address_;
  std::uint8_t name_bytes_ = 0;
  std::uint8_t detail_bytes_ = 0;
  std::uint8_t trace_length_ = 0;
  std::array<char, detail_bytes_max> text_{};  // the name, then the detail
  std::array<std::source_location, trace_max> trace_{};
};

}  // namespace ieum
#pragma GCC visibility pop

template <>
struct std::is_error_code_enum<ieum::Errc> : std::true_type {};
