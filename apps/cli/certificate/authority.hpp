// Authority: issues certificates for development. Here and not in the library, which only uses
// certificates: what a program serves with is made by others, and this one is for people at a
// shell.
#pragma once

#include <expected>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace ieum::cli {

/// A certificate and its key (PEM). The key is wiped with it.
struct PemPair {
  PemPair(std::string certificate_pem, std::string key_pem)
      : certificate(std::move(certificate_pem)), key(std::move(key_pem)) {}
  PemPair(PemPair&&) noexcept = default;
  PemPair& operator=(PemPair&&) = delete;
  ~PemPair();
  std::string certificate;
  std::string key;
};

/// One of its own, which nobody trusts until they are told to, and which can vouch for certain
/// names only (RFC 5280, section 4.2.1.10): even if its key is stolen, it stands for no other host.
/// Names are those of hosts, "*.NAME" and IP addresses, known to be good. Errors say what is wrong,
/// for a sentence.
class Authority {
 public:
  /// For these names, those below them, and these addresses; for ten years.
  [[nodiscard]] static std::expected<Authority, std::string> make(
      std::span<const std::string> names);
  [[nodiscard]] static std::expected<Authority, std::string> load(const PemPair& pem);
  Authority(Authority&&) noexcept;
  ~Authority();

  [[nodiscard]] std::expected<PemPair, std::string> pem() const;
  /// A certificate for the first of `names` and the others, for servers and clients, which this
  /// authority's certificate is enough to verify: that is tried.
  [[nodiscard]] std::expected<PemPair, std::string> issue(std::span<const std::string> names,
                                                          int days) const;

 private:
  struct Parts;
  explicit Authority(std::unique_ptr<Parts> parts) noexcept;
  std::unique_ptr<Parts> parts_;
};

}  // namespace ieum::cli
