// SourceFiles: the files and folders to be sent, one after the other.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ieum::cli {

struct SourceFile {
  std::string path;
  std::string name;  ///< for the receiver: relative, with the folder that was named
  bool is_folder = false;
  std::uint64_t size = 0;
  std::uint32_t mode = 0;
  std::int64_t modified_ns = 0;
  std::string problem{};  ///< why it cannot be sent; empty: it can
};

class SourceFiles {
 public:
  explicit SourceFiles(std::vector<std::string> paths) : paths_(std::move(paths)) {}
  /// None: that was all. Links and devices are problems.
  [[nodiscard]] std::optional<SourceFile> next();

 private:
  [[nodiscard]] static SourceFile look_at(const std::string& path, std::string name);

  std::vector<std::string> paths_;
  std::size_t used_ = 0;
  std::filesystem::path folder_;  // that is being walked
  std::string folder_name_;
  std::optional<std::filesystem::recursive_directory_iterator> walk_;
};

}  // namespace ieum::cli
