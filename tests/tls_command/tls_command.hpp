// The command over TLS: what its tests share.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "cli/clients.hpp"
#include "support/network_namespace.hpp"
#include "tls/authority.hpp"

namespace ieum::test {

using Words = std::vector<std::string>;

/// What a command that has ended has said.
struct Said {
  int status = 0;
  std::string output;
  std::string errors;
};

/// Runs the command until it ends; `input` is all its input.
inline Said run_command(Words words, const std::string& input = "") {
  Child child(ieum_command(std::move(words)));
  if (!input.empty()) child.write(input);
  child.close_input();
  Said said;
  said.output = child.read_all();
  said.status = child.wait();
  said.errors = child.error_output();
  return said;
}

inline Words with(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// The options of a server with the tests' certificate, for "server.test" and the loopback.
inline Words served() {
  return {"--cert", server_files().certificate.path(), "--key", server_files().key.path()};
}
/// Those of a client that trusts it.
inline Words trusting() { return {"--ca", authority_file()}; }

/// `ieum listen` with `options` on a port that it chooses.
class Server {
 public:
  explicit Server(const Words& options, const Input& input = Input::nothing(),
                  const Words& certificate = served())
      : child_(ieum_command(with(with({"listen", "tls://127.0.0.1:0"}, certificate), options)),
               input),
        where_(where_it_listens(child_)) {
    where_.resize(std::min(where_.find(' '), where_.size()));  // -v tells more
  }
  [[nodiscard]] std::string url() const { return "tls://" + where_; }
  [[nodiscard]] std::string port() const { return port_of(where_); }
  [[nodiscard]] const std::string& where() const { return where_; }
  Child& child() { return child_; }
  Child* operator->() { return &child_; }

 private:
  Child child_;
  std::string where_;
};

/// 3 MB that compress badly and differ everywhere.
inline const std::string& long_text() {
  static const std::string text = [] {
    std::string made;
    for (int i = 0; made.size() < 3'000'000; ++i) made += "line " + std::to_string(i * 7919) + "\n";
    return made;
  }();
  return text;
}

}  // namespace ieum::test
