// Outputs: where a trace goes: the ladder as text, the events as JSON, a recording, a page. Files
// are for their owner alone: they hold what programs have sent.
#pragma once

#include <cstdio>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "trace/event.hpp"
#include "trace/ladder.hpp"
#include "trace/lookups.hpp"

namespace ieum::cli::trace {

struct OutputOptions {
  std::string recording{};  ///< a file; empty: none
  std::string page{};       ///< a file of HTML; empty: none
  bool json = false;        ///< events instead of the ladder
  bool quiet = false;       ///< neither
  bool ascii = false;
  bool lookups = false;  ///< show also what the C library asks daemons
  std::FILE* stream = stderr;
};

class Outputs {
 public:
  /// Opens the files; or a sentence.
  [[nodiscard]] static std::expected<std::unique_ptr<Outputs>, std::string> open(
      const OutputOptions& options);

  void take(const Event& event);
  void pass(Time now);
  /// Ends the files. A sentence if something could not be written.
  [[nodiscard]] std::optional<std::string> finish();

 private:
  struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, Close>;

  explicit Outputs(const OutputOptions& options) : options_(options) {}
  static std::expected<File, std::string> create(const std::string& path);
  void write(std::FILE* file, std::string_view text, const std::string& name);
  void flush(std::FILE* file, const std::string& name);

  OutputOptions options_;
  File recording_;
  File page_;
  std::optional<Ladder> ladder_;
  std::optional<Lookups> lookups_;
  std::string failure_;
};

}  // namespace ieum::cli::trace
