// Servers and files for the tests of `ieum get` and `ieum serve`.
#pragma once

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tls_command/tls_command.hpp"

namespace ieum::test {

inline void write_file(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}
inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Bytes of every value, that do not repeat soon.
inline std::string sample(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (char& c : text) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24U);
  }
  return text;
}

/// The files that every server of the daily uses has.
inline void fill_with_files(const TemporaryDirectory& directory) {
  write_file(directory.path("page.txt"), "a page\n");
  write_file(directory.path("other.txt"), "another one\n");
  write_file(directory.path("data.bin"), sample(200'000));
  std::filesystem::create_directory(directory.path("folder"));
  write_file(directory.path("folder/index.html"), "<p>index</p>\n");
  const auto old = std::filesystem::file_time_type::clock::now() - std::chrono::hours(48);
  for (const char* name : {"page.txt", "other.txt", "data.bin", "folder/index.html"}) {
    std::filesystem::last_write_time(directory.path(name), old);
  }
}

/// `ieum serve` of a folder, on a free port.
class Served {
 public:
  explicit Served(const std::string& folder, std::vector<std::string> options = {})
      : child_(words(folder, std::move(options)), Input::nothing()) {
    line_ = child_.read_error_until("\n");
    const std::size_t at = line_.find("://");
    const std::size_t begin = line_.rfind(' ', at) + 1;
    url_ = line_.substr(begin, line_.find('/', at + 3) - begin);
  }
  /// Without a slash at its end.
  [[nodiscard]] const std::string& url() const noexcept { return url_; }
  [[nodiscard]] std::string port() const { return port_of(url_); }
  [[nodiscard]] std::string authority() const { return "127.0.0.1:" + port(); }
  [[nodiscard]] Child& child() noexcept { return child_; }
  /// What it says first.
  [[nodiscard]] const std::string& line() const noexcept { return line_; }

 private:
  static std::vector<std::string> words(const std::string& folder,
                                        std::vector<std::string> options) {
    std::vector<std::string> words{"serve", folder};
    if (std::ranges::find(options, "--listen") == options.end()) {
      words.insert(words.end(), {"--listen", "localhost:0"});
    }
    words.insert(words.end(), options.begin(), options.end());
    return ieum_command(words);
  }
  Child child_;
  std::string line_;
  std::string url_;
};

/// A program for Node that listens on a free port, which it writes first.
class NodeServer {
 public:
  explicit NodeServer(const std::string& program, const std::vector<std::string>& arguments = {})
      : child_(words(program, arguments), Input::nothing()) {
    port_ = child_.read_until("\n");
    if (!port_.empty()) port_.pop_back();
  }
  [[nodiscard]] const std::string& port() const noexcept { return port_; }
  [[nodiscard]] std::string authority() const { return "127.0.0.1:" + port_; }
  [[nodiscard]] Child& child() noexcept { return child_; }

 private:
  static std::vector<std::string> words(const std::string& program,
                                        const std::vector<std::string>& arguments) {
    std::vector<std::string> words{"node", "-e", program, "--"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return words;
  }
  Child child_;
  std::string port_;
};

}  // namespace ieum::test
