// Target: where a body goes: standard output, a device, or a file that is there once it is whole.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include <ieum/descriptor.hpp>
#include <ieum/descriptor_stream.hpp>

#include "report/failure.hpp"

namespace ieum::cli {

/// A regular file is written as NAME.part, and gets its name when it is whole: what is called NAME
/// is never half of it, whatever happens. With NAME.part stands, as an extended attribute, what the
/// server calls that version of the file (its ETag, say): only more of the same is put behind it.
class Target {
 public:
  /// What is there of an earlier run.
  struct Kept {
    std::uint64_t bytes = 0;
    std::string validator{};
  };

  /// `path` empty: standard output. Without `overwrites`, a file that is there is a failure.
  [[nodiscard]] static std::expected<Target, Failure> open(const std::string& path,
                                                           bool overwrites);
  Target(Target&&) noexcept = default;
  Target& operator=(Target&&) = delete;

  /// A file, not standard output or a device.
  [[nodiscard]] bool is_file() const noexcept { return is_file_; }
  /// `begin` was called.
  [[nodiscard]] bool has_begun() const noexcept { return !is_file_ || file_.is_open(); }
  /// It is a terminal.
  [[nodiscard]] bool is_terminal() const noexcept;
  /// "standard output", or the file's path.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::string part_name() const { return name_ + ".part"; }

  /// Of NAME.part; nothing if that cannot be gone on with.
  [[nodiscard]] Kept kept() const;
  /// What comes now stands at `at`, where `kept` ends, or 0: then NAME.part begins anew.
  [[nodiscard]] std::optional<Failure> begin(std::uint64_t at, const std::string& validator);
  [[nodiscard]] Task<> write(ConstBuffer data);
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  /// All has been written: the file gets its name.
  [[nodiscard]] std::optional<Failure> finish();
  /// Nothing more will come. An empty NAME.part goes. Gives whether there is one that a later run
  /// can go on with.
  bool abandon() noexcept;
  /// What the failure of a write means.
  [[nodiscard]] Failure explain(const Error& error) const;

 private:
  Target(std::string name, Descriptor file, std::optional<DescriptorStream> stream)
      : name_(std::move(name)), file_(std::move(file)), stream_(std::move(stream)) {}

  std::string name_;
  bool is_file_ = false;
  bool overwrites_ = false;
  unsigned mode_ = 0;  // of the file that will be replaced; 0: there is none
  Descriptor file_;    // the part, or the device
  std::optional<DescriptorStream> stream_;
  std::uint64_t bytes_ = 0;
  bool has_validator_ = false;
};

}  // namespace ieum::cli
