// PasswordHasher: argon2id, a bounded number at a time, never on a loop's thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <ieum/mailbox.hpp>

namespace ieum::hub {

/// Hashes and checks passwords (libsodium's crypto_pwhash_str). Every function may be called on any
/// runtime, at the same time.
class PasswordHasher {
 public:
  /// Hashes that wait besides those being computed; more are refused.
  static constexpr std::size_t waiting_max = 64;

  enum class Cost : std::uint8_t {
    interactive,  ///< 64 MiB and some 50 ms each
    least,        ///< 8 KiB: for tests
  };
  /// `threads` hashes run at a time, each in a thread of its own, which begins with the first one.
  /// 0: they are computed at once where they are awaited, for the simulator, whose runs no thread
  /// may disturb.
  PasswordHasher(Cost cost, std::size_t threads) noexcept;
  PasswordHasher(const PasswordHasher&) = delete;
  PasswordHasher& operator=(const PasswordHasher&) = delete;
  /// What waits is answered with `Errc::closed`.
  ~PasswordHasher();

  /// The hash with its salt and cost, as text. Nothing: too many wait. Errors:
  /// `not_enough_memory`, `operation_canceled`.
  [[nodiscard]] Task<std::optional<std::string>> hash(std::string password);
  /// Whether `password` is the one of `hash`. Without a hash it takes as long and says no. Nothing:
  /// too many wait.
  [[nodiscard]] Task<std::optional<bool>> check(std::string password,
                                                std::optional<std::string> hash);

 private:
  /// False: too many wait.
  bool enqueue(std::move_only_function<void()> work);
  void run();
  [[nodiscard]] Result<std::string> compute(const std::string& password) const;
  [[nodiscard]] bool verify(const std::string& password,
                            const std::optional<std::string>& hash) const;

  const Cost cost_;
  const std::size_t threads_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::move_only_function<void()>> waiting_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool ending_ = false;
};

}  // namespace ieum::hub
