// SqliteAccountStore: accounts in the hub's database file.
#pragma once

#include "accounts/account_store.hpp"
#include "accounts/password_hasher.hpp"
#include "sqlite/database.hpp"

namespace ieum::hub {

/// Writes go through the database's one writer, in the commits of the log; reads through its
/// readers, hashes through threads of their own.
class SqliteAccountStore final : public AccountStore {
 public:
  /// `database` must outlive it.
  SqliteAccountStore(Database& database, PasswordHasher::Cost cost, std::size_t hash_threads)
      : database_(database), hasher_(cost, hash_threads) {}
  ~SqliteAccountStore() override = default;

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
  Database& database_;
  PasswordHasher hasher_;
};

}  // namespace ieum::hub
