// Error: its words.
#include <ieum/error.hpp>

#include <algorithm>
#include <cctype>

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

// At most `bytes_max` bytes of `text`, cut between characters, not within one (UTF-8).
std::size_t whole_characters(std::string_view text, std::size_t bytes_max) {
  std::size_t length = std::min(text.size(), bytes_max);
  if (length < text.size()) {
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) --length;
  }
  return length;
}

/// For a sentence that is one line.
char without_control(char letter) {
  const auto byte = static_cast<unsigned char>(letter);
  return byte < ' ' || byte == 0x7f ? '?' : letter;
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
  const bool fits = name.size() <= name_bytes_max;
  name_bytes_ = static_cast<std::uint8_t>(
      fits ? name.size() : whole_characters(name, name_bytes_max - cut.size()));
  std::ranges::transform(name.substr(0, name_bytes_), text_.begin(), without_control);
  if (!fits) {
    std::ranges::copy(cut, text_.begin() + name_bytes_);
    name_bytes_ = static_cast<std::uint8_t>(name_bytes_ + cut.size());
  }
  detail_bytes_ = 0;
  return *this;
}

Error& Error::set_detail(std::string_view detail) noexcept {
  const std::size_t length = whole_characters(detail, detail_bytes_max - name_bytes_);
  std::ranges::transform(detail.substr(0, length), text_.begin() + name_bytes_, without_control);
  detail_bytes_ = static_cast<std::uint8_t>(length);
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
