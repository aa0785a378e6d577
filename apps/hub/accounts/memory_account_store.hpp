// MemoryAccountStore: accounts without a disk, for tests and the simulator.
#pragma once

#include <map>
#include <mutex>
#include <utility>

#include "accounts/account_store.hpp"
#include "accounts/password_hasher.hpp"

namespace ieum::hub {

/// Keeps everything in memory, hashes at the least cost where it is awaited, and has no thread. It
/// outlives the runtimes that use it.
class MemoryAccountStore final : public AccountStore {
 public:
  MemoryAccountStore() noexcept = default;
  ~MemoryAccountStore() override = default;

  [[nodiscard]] Task<Registration> register_account(Account account, std::string password) override;
  [[nodiscard]] Task<Login> log_in(std::string name, std::string password) override;
  [[nodiscard]] Task<Registration> change_password(std::string name, std::string password) override;
  [[nodiscard]] Task<std::optional<Account>> account(std::string name) override;
  [[nodiscard]] Task<bool> remove_account(std::string name) override;
  [[nodiscard]] Task<bool> reserve_nick(std::string nick, std::string account) override;
  [[nodiscard]] Task<bool> release_nick(std::string nick, std::string account) override;
  [[nodiscard]] Task<std::optional<std::string>> nick_owner(std::string nick) override;
  [[nodiscard]] Task<std::vector<std::string>> nicks(std::string account) override;
  [[nodiscard]] Task<ResumeSecret> issue_secret(std::string identity, Time expires) override;
  [[nodiscard]] Task<Resumed> resume(std::string secret, Time now, Time expires) override;
  [[nodiscard]] Task<> end_session(std::string session) override;
  [[nodiscard]] Task<Time> set_marker(std::string identity, std::string target, Time read) override;
  [[nodiscard]] Task<std::optional<Time>> marker(std::string identity, std::string target) override;
  [[nodiscard]] Task<std::optional<NewToken>> create_token(std::string account, std::string label,
                                                           Time now,
                                                           std::optional<Time> expires) override;
  [[nodiscard]] Task<std::optional<Token>> check_token(std::string secret, Time now) override;
  [[nodiscard]] Task<std::vector<Token>> tokens(std::string account) override;
  [[nodiscard]] Task<bool> revoke_token(std::string account, std::uint64_t id) override;
  [[nodiscard]] Task<std::uint64_t> trim(Time now) override;

 private:
  struct Held {
    Account account;
    std::string hash;
  };
  struct Secret {
    std::string session;
    bool used = false;
  };
  struct Session {
    std::string identity;
    Time expires{};  // its last secret
    bool ended = false;
  };

  PasswordHasher hasher_{PasswordHasher::Cost::least, 0};
  std::mutex mutex_;
  std::map<std::string, Held> accounts_;
  std::map<std::string, std::string> nicks_;  // whose
  std::map<std::string, Secret> secrets_;     // by hash
  std::map<std::string, Session> sessions_;
  std::map<std::pair<std::string, std::string>, Time> markers_;
  std::map<std::string, Token> tokens_;  // by hash
  std::uint64_t tokens_made_ = 0;
};

}  // namespace ieum::hub
