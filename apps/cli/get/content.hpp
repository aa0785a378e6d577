// OutgoingContent: what a request of `ieum get` carries, made anew for each time it is sent.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ieum/http/content.hpp>
#include <ieum/task.hpp>

#include "get/get.hpp"

namespace ieum::cli {

class OutgoingContent {
 public:
  /// Looks at the files, and reads of standard input what may be kept. `failure` says what is
  /// wrong.
  [[nodiscard]] static Task<OutgoingContent> make(const GetCommand& command,
                                                  std::optional<Failure>& failure);

  /// None that was given before, if standard input was too long to be kept.
  [[nodiscard]] http::Content give();
  /// It can be sent again.
  [[nodiscard]] bool is_repeatable() const noexcept { return form_ == Form::kept || !was_given_; }
  /// None: only its end tells.
  [[nodiscard]] std::optional<std::uint64_t> bytes() const noexcept { return bytes_; }

  /// A field of a form; `@FILE` is the value of one that is a file.
  struct Pair {
    std::string name;
    std::string value;
    [[nodiscard]] bool is_file() const noexcept { return value.starts_with('@'); }
  };
  /// A piece of a multipart/form-data: what stands before it, then a text or a file.
  struct Part {
    std::string before;
    std::string text;
    std::string path;  ///< empty: the text
    std::uint64_t bytes = 0;
  };

 private:
  [[nodiscard]] http::Content form_of_pairs() const;

  enum class Form : std::uint8_t { kept, stream };
  Form form_ = Form::kept;
  bool was_given_ = false;
  BodyKind kind_ = BodyKind::none;
  std::string type_;
  std::string text_;         // of a stream: its beginning
  std::string path_;         // of a file
  std::vector<Pair> pairs_;  // of a form without files
  std::shared_ptr<const std::vector<Part>> parts_;
  std::optional<std::uint64_t> bytes_;
};

}  // namespace ieum::cli
