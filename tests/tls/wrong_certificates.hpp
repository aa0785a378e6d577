// Certificates that are wrong, each in one way or several.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ieum/error.hpp>

#include "tls/authority.hpp"

namespace ieum::test {

/// For "server.test".
CertificatePlan server_plan();
CertificatePlan named(std::string names);
CertificatePlan between_plan();

/// A server's certificate, those sent along, and what a client that trusts `root` says of it.
struct Wrong {
  std::string kind;
  CertificatePlan plan = server_plan();
  std::string name = "server.test";
  std::vector<CertificatePlan> between = {};  // the one that the root issues first
  std::optional<CertificatePlan> root = {};
  bool root_is_trusted = true;
  bool sends_between = true;
  bool sends_root = false;
  bool is_self_signed = false;
  bool is_damaged = false;
  Errc code = Errc::certificate_invalid;
  std::string detail = {};
};

std::vector<Wrong> kinds_of_wrong();
/// Those that a server of ours would not load.
std::vector<Wrong> kinds_of_weak();

/// The files of a kind: the server's, and the root.
struct Made {
  std::unique_ptr<CertificateFiles> server;
  std::string root_pem;
  std::string chain_pem;
  std::string leaf_pem;
};
Made make(const Wrong& wrong);

}  // namespace ieum::test
