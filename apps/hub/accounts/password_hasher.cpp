#include "accounts/password_hasher.hpp"

#include <sodium.h>

#include <array>
#include <utility>

namespace ieum::hub {

PasswordHasher::PasswordHasher(Cost cost, std::size_t threads) noexcept
    : cost_(cost), threads_max_(threads) {
  IEUM_ASSERT(sodium_init() >= 0, "libsodium cannot be used");
}

PasswordHasher::~PasswordHasher() {
  std::deque<std::move_only_function<void()>> unanswered;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    unanswered.swap(waiting_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

Task<std::optional<std::string>> PasswordHasher::hash(std::string password) {
  std::optional<std::string> hash;
  if (threads_max_ == 0) {
    hash = co_await compute(password);
    co_return hash;
  }
  auto [sender, answer] = Mailbox<Result<std::string>>::create(1);
  const bool enqueued = enqueue([this, password, to = std::move(sender)] {
    static_cast<void>(to.try_send(compute(password)));
  });
  if (!enqueued) co_return hash;
  Result<std::string> computed = co_await answer.receive();
  hash = co_await std::move(computed);
  co_return hash;
}

Task<std::optional<bool>> PasswordHasher::check(std::string password,
                                                std::optional<std::string> hash) {
  std::optional<bool> accepted;
  if (threads_max_ == 0) {
    accepted = verify(password, hash);
    co_return accepted;
  }
  auto [sender, answer] = Mailbox<bool>::create(1);
  const bool enqueued = enqueue([this, password, hash, to = std::move(sender)] {
    static_cast<void>(to.try_send(verify(password, hash)));
  });
  if (!enqueued) co_return accepted;
  accepted = co_await answer.receive();
  co_return accepted;
}

bool PasswordHasher::enqueue(std::move_only_function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (ending_ || waiting_.size() >= waiting_max) return false;
    waiting_.push_back(std::move(work));
    if (idle_ < waiting_.size() && threads_.size() < threads_max_) {
      threads_.emplace_back([this] { run(); });
    }
  }
  wake_.notify_one();
  return true;
}

void PasswordHasher::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    wake_.wait(lock, [&] { return ending_ || !waiting_.empty(); });
    --idle_;
    if (ending_) return;
    std::move_only_function<void()> work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
}

Result<std::string> PasswordHasher::compute(const std::string& password) const {
  const bool least = cost_ == Cost::least;
  std::array<char, crypto_pwhash_STRBYTES> text{};
  const int status =
      crypto_pwhash_str_alg(text.data(), password.data(), password.size(),
                            least ? crypto_pwhash_OPSLIMIT_MIN : crypto_pwhash_OPSLIMIT_INTERACTIVE,
                            least ? crypto_pwhash_MEMLIMIT_MIN : crypto_pwhash_MEMLIMIT_INTERACTIVE,
                            crypto_pwhash_ALG_ARGON2ID13);
  if (status != 0) return fail(std::errc::not_enough_memory, "hash the password");
  return std::string(text.data());
}

bool PasswordHasher::verify(const std::string& password,
                            const std::optional<std::string>& hash) const {
  if (!hash) {  // as long as with one: the time tells nobody which accounts there are
    static_cast<void>(compute(password));
    return false;
  }
  return crypto_pwhash_str_verify(hash->c_str(), password.data(), password.size()) == 0;
}

}  // namespace ieum::hub
