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

/// The first bytes of `text`, cut between characters, not within one (UTF-8).
std::string_view cut(std::string_view text, std::size_t bytes_max) noexcept {
  if (text.size() <= bytes_max) return text;
  std::size_t length = bytes_max;
  while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) --length;
  return text.substr(0, length);
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

Error& Error::set_subject(std::string_view subject) noexcept {
  const std::string_view kept = cut(subject, subject_bytes_max);
  std::ranges::copy(kept, words_.data());
  subject_bytes_ = static_cast<std::uint8_t>(kept.size());
  detail_bytes_ = 0;
  return *this;
}

Error& Error::set_detail(std::string_view detail) noexcept {
  const std::string_view kept = cut(detail, detail_bytes_max - subject_bytes_);
  std::ranges::copy(kept, words_.data() + subject_bytes_);
  detail_bytes_ = static_cast<std::uint8_t>(kept.size());
  return *this;
}

std::string Error::to_string() const {
  std::string text = operation_;
  const std::string at = address_.to_string();
  if (!at.empty()) text.append(" ").append(at);
  if (subject_bytes_ > 0) text.append(" ").append(subject());
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
