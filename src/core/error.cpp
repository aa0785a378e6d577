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

Error& Error::set_detail(std::string_view detail) noexcept {
  // Cut between characters, not within one (UTF-8).
  std::size_t length = std::min(detail.size(), detail_bytes_max);
  if (length < detail.size()) {
    while (length > 0 && (static_cast<unsigned char>(detail[length]) & 0xC0U) == 0x80U) --length;
  }
  std::copy_n(detail.data(), length, detail_.data());
  detail_bytes_ = static_cast<std::uint8_t>(length);
  return *this;
}

std::string Error::to_string() const {
  std::string text = operation_;
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
