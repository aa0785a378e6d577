// The options of tls:// addresses: declared, read, and what they become.
#pragma once

#include <string>
#include <vector>

#include "options/conflicts.hpp"
#include "options/endpoint.hpp"
#include "options/given_options.hpp"
#include "options/option_spec.hpp"

namespace ieum::cli {

/// As they were given; empty: they were not.
struct TlsSettings {
  bool insecure = false;
  bool self_signed = false;  ///< of a listener
  std::string authorities;   ///< --ca: a file
  std::vector<std::string> pins{};
  std::string certificate;  ///< a file
  std::string key;          ///< a file; the certificate's, unless it is given
  std::string alpn;
  std::string server_name;
  std::string key_log;  ///< a file
};

/// Adds those of connecting, or of listening.
void add_tls_options(std::vector<OptionSpec>& options, Role role);
void add_tls_conflicts(std::vector<Conflict>& conflicts, Role role);
/// Of an address of `endpoint`'s kind. Opens no file.
[[nodiscard]] Parsed<TlsSettings> read_tls_options(const GivenOptions& given, Role role,
                                                   const Endpoint& endpoint);

}  // namespace ieum::cli
