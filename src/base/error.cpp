// Error: its words.
#include <ieum/error.hpp>

#include <algorithm>
#include <cctype>

#include "base/words.hpp"

namespace ieum {

namespace {

class Category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "ieum"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<Errc>(code)) {
      case Errc::end_of_stream: return "the peer finished sending too early";
      case Errc::limit_exceeded: return "limit exceeded";
      case Errc::name_invalid: return "this can be no name";
      case Errc::name_not_found: return "no such name (NXDOMAIN)";
      case Errc::name_has_no_address: return "the name has no address";
      case Errc::name_servers_silent: return "no name server answers";
      case Errc::name_servers_refused: return "the name servers refuse to answer (REFUSED)";
      case Errc::name_servers_failed: return "the name servers failed";
      case Errc::closed: return "closed";
      case Errc::cut_off: return "cut off";
      case Errc::handshake_failed: return "the handshake failed";
      case Errc::certificate_expired: return "the certificate has expired";
      case Errc::certificate_not_yet_valid: return "the certificate is not valid yet";
      case Errc::certificate_wrong_name: return "the certificate is for another name";
      case Errc::certificate_unknown_issuer: return "the certificate's issuer is unknown";
      case Errc::certificate_self_signed: return "the certificate is self-signed";
      case Errc::certificate_not_pinned: return "the certificate's key is not the pinned one";
      case Errc::certificate_invalid: return "the certificate is not valid";
    }
    return "unknown error";
  }
};

// "Connection refused" in the middle of a sentence; "I/O error" and the like stay as they are.
std::string in_a_sentence(std::string message) {
  if (message.size() > 1 && std::islower(static_cast<unsigned char>(message[1]))) {
    message[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(message[0])));
  }
  return message;
}

std::string words_of(const std::error_code& code) {
  if (code == std::errc::operation_canceled) return "canceled";
  if (code == std::errc::timed_out) return "timed out";
  return in_a_sentence(code.message());
}

}  // namespace

const std::error_category& error_category() noexcept {
  static const Category category;
  return category;
}

Error& Error::set_name(std::string_view name) noexcept {
  constexpr std::string_view cut = "…";
  const std::span<char> room(text_);
  std::string_view rest = name;
  std::size_t length = detail::copy_printable(rest, room.first(name_bytes_max));
  if (!rest.empty()) {
    rest = name;
    length = detail::copy_printable(rest, room.first(name_bytes_max - cut.size()));
    std::ranges::copy(cut, room.subspan(length).begin());
    length += cut.size();
  }
  name_bytes_ = static_cast<std::uint8_t>(length);
  detail_bytes_ = 0;
  return *this;
}

Error& Error::set_detail(std::string_view detail) noexcept {
  detail_bytes_ = static_cast<std::uint8_t>(
      detail::copy_printable(detail, std::span<char>(text_).subspan(name_bytes_)));
  return *this;
}

std::string Error::to_string() const {
  std::string text = operation_;
  if (name_bytes_ > 0) text.append(" ").append(name());
  const std::string at = address_.to_string();
  if (!at.empty()) text.append(" ").append(at);
  text.append(": ").append(words_of(code_));
  if (detail_bytes_ > 0) {
    const std::string_view join = detail().starts_with("after ")     ? " "
                                  : detail().starts_with("held by ") ? ", "
                                                                     : ": ";
    text.append(join).append(detail());
  }
  return text;
}

std::string Error::to_string_with_trace() const {
  std::string text = to_string();
  for (const std::source_location& where : trace()) {
    text.append("\n  awaited at ").append(where.file_name()).append(":");
    text.append(std::to_string(where.line())).append(" in ").append(where.function_name());
  }
  return text;
}

}  // namespace ieum
