#include "send/source_files.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <system_error>

namespace ieum::cli {

namespace fs = std::filesystem;

SourceFile SourceFiles::look_at(const std::string& path, std::string name) {
  SourceFile file{.path = path, .name = std::move(name)};
  struct stat status{};
  if (::lstat(path.c_str(), &status) < 0) {
    file.problem = std::error_code(errno, std::generic_category()).message();
    return file;
  }
  file.is_folder = S_ISDIR(status.st_mode);
  file.size = file.is_folder ? 0 : static_cast<std::uint64_t>(status.st_size);
  file.mode = status.st_mode & 0777U;
  file.modified_ns = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  if (S_ISLNK(status.st_mode)) {
    file.problem = "it is a symbolic link, and is left out";
  } else if (!file.is_folder && !S_ISREG(status.st_mode)) {
    file.problem = "it is no file, and is left out";
  }
  return file;
}

std::optional<SourceFile> SourceFiles::next() {
  if (walk_) {
    std::error_code error;
    if (*walk_ != fs::recursive_directory_iterator()) {
      const fs::path path = (*walk_)->path();
      const std::string name = folder_name_ + "/" + path.lexically_relative(folder_).string();
      walk_->increment(error);
      if (error) walk_.reset();
      return look_at(path.string(), name);
    }
    walk_.reset();
  }
  if (used_ == paths_.size()) return {};
  fs::path path(paths_[used_++]);
  // A folder's contents, `dir/` or `.`, still have the folder's own name.
  fs::path named = path;
  if (!named.has_filename() || named.filename() == "." || named.filename() == "..") {
    std::error_code error;
    named = fs::canonical(path, error);
  }
  SourceFile file =
      look_at(path.has_filename() ? path.string() : named.string(), named.filename().string());
  if (file.is_folder && file.problem.empty()) {
    std::error_code error;
    folder_ = path;
    folder_name_ = file.name;
    walk_.emplace(path, error);
    if (error) {
      walk_.reset();
      file.problem = error.message();
    }
  }
  return file;
}

}  // namespace ieum::cli
