#include "support/files.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace ieum::test {

TemporaryFile::TemporaryFile(std::string_view content) {
  std::string name = testing::TempDir() + "ieum-test-XXXXXX";
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) std::abort();
  path_ = name;
  std::string_view rest = content;
  while (!rest.empty()) {
    const ssize_t count = ::write(descriptor, rest.data(), rest.size());
    if (count < 0) std::abort();
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  ::close(descriptor);
}

TemporaryFile::~TemporaryFile() { ::unlink(path_.c_str()); }

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "ieum-test-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) std::abort();
  path_ = pattern;
}
TemporaryDirectory::~TemporaryDirectory() { std::filesystem::remove_all(path_); }
std::string TemporaryDirectory::path(std::string_view name) const {
  return path_ + "/" + std::string(name);
}

}  // namespace ieum::test
