// Output: where the payload goes: standard output or a file, as it is or rendered.
#pragma once

#include <string>

#include <ieum/descriptor.hpp>
#include <ieum/descriptor_stream.hpp>
#include <ieum/event.hpp>
#include <ieum/task.hpp>

#include "text/rendering.hpp"

namespace ieum::cli {

class Output {
 public:
  /// `path` empty: standard output. A file is made; what was in it goes when something is written,
  /// or at `finish`; with `append` it stays, and `refuse` makes none that is there already. Errors:
  /// those of open(2).
  enum class Existing : std::uint8_t { replace, append, refuse };
  [[nodiscard]] static Result<Output> open(const std::string& path,
                                           const Rendering::Options& options,
                                           Existing existing = Existing::replace);
  Output(Output&& other) noexcept = default;

  /// Writes what went to `side` and is to be seen. Several tasks may call it at the same time: one
  /// writes after the other.
  [[nodiscard]] Task<> write(Side side, ConstBuffer data) { return write(rendering_, side, data); }
  /// The same for one of several connections, whose rendering must outlive the task. A line that
  /// another one has begun is ended first.
  [[nodiscard]] Task<> write(Rendering& rendering, Side side, ConstBuffer data);
  [[nodiscard]] bool shows_both() const noexcept { return rendering_.shows_both(); }
  /// Nothing more will be written: closes our copy of standard output, so that a pipe's reader sees
  /// the end.
  [[nodiscard]] Task<> shutdown();
  /// Closes a file, and reports what only then is known of it.
  [[nodiscard]] Task<> finish();

  /// "standard output", or the file's path.
  [[nodiscard]] const std::string& where() const noexcept { return where_; }
  /// It is standard output, and not a file of ours.
  [[nodiscard]] bool is_standard() const noexcept { return !file_.is_open(); }
  /// It is standard output, and that is a pipe's writing end alone: `wait_readable` of it ends when
  /// its reader has gone.
  [[nodiscard]] bool is_pipe() const noexcept;

 private:
  /// One writer at a time.
  struct Turn {
    bool taken = false;
    Event free;
  };
  Output(std::string where, Descriptor file, DescriptorStream stream,
         const Rendering::Options& options);
  [[nodiscard]] std::string render(Rendering& rendering, Side side, ConstBuffer data);
  [[nodiscard]] Result<> empty_file() noexcept;

  std::string where_;
  Descriptor file_;  // none for standard output
  DescriptorStream stream_;
  bool is_emptied_ = false;
  Rendering rendering_;
  std::string open_line_of_;  // the label of whoever has begun one
  bool line_is_open_ = false;
  std::unique_ptr<Turn> turn_;
};

}  // namespace ieum::cli
