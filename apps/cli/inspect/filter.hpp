// Filter: which sockets are to be shown, in plain words.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ieum/address.hpp>

#include "inspect/findings.hpp"
#include "options/prefix.hpp"
#include "options/usage_error.hpp"

namespace ieum::cli {

/// Words of one kind are alternatives (tcp udp), of several kinds all must hold (:80 nginx).
class Filter {
 public:
  [[nodiscard]] static Parsed<Filter> parse(std::span<const std::string> words);

  [[nodiscard]] bool matches(const Findings& findings, std::uint32_t index) const;

  [[nodiscard]] bool takes_tcp() const noexcept { return takes("tcp"); }
  [[nodiscard]] bool takes_udp() const noexcept { return takes("udp"); }
  [[nodiscard]] bool takes_unix() const noexcept { return takes("unix"); }
  [[nodiscard]] bool names_processes() const noexcept {
    return !pids_.empty() || !programs_.empty();
  }
  /// For a message: the words as they were given.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  /// "; did you mean 'listening'?": a program's name that may be a slip of a word of ours.
  [[nodiscard]] const std::string& hint() const noexcept { return hint_; }

 private:
  /// Gives what is wrong, or nothing.
  std::string add(const std::string& word);
  std::string add_number(const std::string& word);
  [[nodiscard]] bool takes(std::string_view protocol) const noexcept;
  [[nodiscard]] bool matches_ends(const SocketTable& table, std::uint32_t index) const;
  [[nodiscard]] bool matches_process(const SocketTable& table, std::uint32_t index) const;
  /// A word that could be a program's name is a path of one of its ends, or the end of that path.
  [[nodiscard]] bool matches_path(const SocketTable& table, std::uint32_t index) const;

  std::vector<std::string> protocols_;
  std::vector<std::string> states_;
  std::vector<std::uint16_t> ports_;
  std::vector<Prefix> prefixes_;
  std::vector<Address> addresses_;  // with a port, or of Unix sockets
  std::vector<int> pids_;
  std::vector<std::string> programs_;  // or the paths of Unix sockets, or their last parts
  bool stuck_ = false;
  bool leaking_ = false;
  std::string text_;
  std::string hint_;
};

}  // namespace ieum::cli
