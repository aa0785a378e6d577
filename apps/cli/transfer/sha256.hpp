// Sha256: the hash of what a file holds, as it comes.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace ieum::cli {

class Sha256 {
 public:
  using Digest = std::array<std::byte, 32>;

  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void add(std::span<const std::byte> data);
  /// Of all so far; more may follow.
  [[nodiscard]] Digest digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// As sha256sum(1) writes it.
[[nodiscard]] std::string to_hex(const Sha256::Digest& digest);

}  // namespace ieum::cli
