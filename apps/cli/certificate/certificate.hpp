// `ieum certificate make`: its command line as data, and what runs it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "options/given_options.hpp"
#include "options/usage_error.hpp"

namespace ieum::cli {

struct CertificateCommand {
  /// Of a certificate.
  static constexpr std::size_t names_max = 100;

  std::vector<std::string> names{};  ///< hosts, *.hosts and IP addresses
  std::string directory = ".";
  int days = 365;
  bool replaces = false;  ///< --force
};

[[nodiscard]] Parsed<CertificateCommand> parse_certificate(const GivenOptions& given);

/// Gives the exit status; what went wrong has been reported.
[[nodiscard]] int make_certificate(const CertificateCommand& command);

}  // namespace ieum::cli
