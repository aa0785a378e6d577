// SafeFolder: the folder that files are received into. Whatever a name says, nothing is touched
// outside, and no symbolic link is followed.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include <ieum/descriptor.hpp>
#include <ieum/result.hpp>

namespace ieum::cli {

/// Why `name`, parts with slashes between them, is none that may come from elsewhere; empty if it
/// is one.
[[nodiscard]] std::string explain_unsafe_name(std::string_view name);

class SafeFolder {
 public:
  [[nodiscard]] static Result<SafeFolder> open(const std::string& path);

  /// The folder that `name` is in, and the name's last part.
  struct Place {
    Descriptor folder;
    std::string name;
  };
  enum class Missing : bool { make, fail };
  /// Errors: those of openat(2) and mkdirat(2); `not_a_directory`, also of a symbolic link.
  [[nodiscard]] Result<Place> find(std::string_view name, Missing missing) const;
  /// Makes the folder itself, if it is not there.
  [[nodiscard]] Result<> make(std::string_view name) const;
  [[nodiscard]] int number() const noexcept { return root_.number(); }

 private:
  explicit SafeFolder(Descriptor root) noexcept : root_(std::move(root)) {}
  Descriptor root_;
};

}  // namespace ieum::cli
