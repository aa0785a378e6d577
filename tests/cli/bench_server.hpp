// `ieum bench --server`, run by a test.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/programs.hpp"
#include "support/child.hpp"

namespace ieum::test {

class BenchServer {
 public:
  /// `options`: certificates; `address` is the last word.
  explicit BenchServer(const std::string& address, std::vector<std::string> options = {})
      : child_(command(address, std::move(options)), Input::nothing()) {
    child_.read_error_until("answering at ");
    url_ = child_.read_error_until("\n");
    if (!url_.empty()) url_.pop_back();
  }
  [[nodiscard]] const std::string& url() const noexcept { return url_; }
  Child& child() { return child_; }

 private:
  static std::vector<std::string> command(const std::string& address,
                                          std::vector<std::string> options) {
    options.insert(options.begin(), {"bench", "--server"});
    options.push_back(address);
    return ieum_command(std::move(options));
  }

  Child child_;
  std::string url_;
};

}  // namespace ieum::test
