// AccountStore: who people are, what they may resume, and where they have read to.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ieum/task.hpp>

#include "log/entry.hpp"

namespace ieum::hub {

/// The identity of whoever has logged in to the account `name`. Those of guests are the caller's,
/// and begin otherwise: "g:" and something random. None contains a line feed.
inline std::string account_identity(const std::string& name) { return "a:" + name; }

struct Account {
  /// Case-folded by the caller: what it is found by.
  std::string name;
  /// As it was registered.
  std::string display_name;
  Time created{};
};

/// How a registration ended.
enum class Registration : std::uint8_t {
  registered,
  exists,    ///< the name is another's account or reserved nick
  absent,    ///< of `change_password`: there is no such account
  too_busy,  ///< too many passwords are being hashed: try again
  too_weak,  ///< the password is shorter than `AccountStore::password_bytes_min`
  too_long,  ///< or longer than `password_bytes_max`
};

/// How a look at a password ended.
enum class Login : std::uint8_t {
  accepted,
  refused,   ///< no such account, or another password: nobody is told which
  too_busy,  ///< too many passwords are being hashed: try again
};

/// Something that only its holder knows; kept hashed, told once.
struct ResumeSecret {
  std::string secret;
  /// All secrets that came of one another by resuming.
  std::string session;
};

struct Resumed {
  enum class Kind : std::uint8_t {
    resumed,  ///< `next` takes its place
    reused,   ///< it was used before: somebody has a copy. Every secret of `session` is void now
    expired,
    unknown,
  };
  Kind kind = Kind::unknown;
  /// Of `resumed`, `reused` and `expired`: whose it is.
  std::string identity;
  std::string session;
  std::string next;
};

struct Token {
  std::uint64_t id = 0;
  std::string account;
  /// What its owner calls it.
  std::string label;
  Time created{};
  std::optional<Time> expires;
};
struct NewToken {
  Token token;
  std::string secret;
};

/// One object for all cores: every function may be called on any runtime, at the same time. What is
/// written is durable when the call ends. Times are the caller's. Errors are those of `RoomLog`.
class AccountStore {
 public:
  static constexpr std::size_t password_bytes_min = 4;
  static constexpr std::size_t password_bytes_max = 512;
  static constexpr std::size_t tokens_max = 32;  // of an account
  static constexpr std::size_t nicks_max = 16;   // of an account

  AccountStore() = default;
  AccountStore(const AccountStore&) = delete;
  AccountStore& operator=(const AccountStore&) = delete;
  virtual ~AccountStore() = default;

  // ---- Accounts: passwords are kept as argon2id, hashed off the loop, a bounded number at a time
  // --
  /// Also reserves `account.name` as a nick.
  [[nodiscard]] virtual Task<Registration> register_account(Account account,
                                                            std::string password) = 0;
  [[nodiscard]] virtual Task<Login> log_in(std::string name, std::string password) = 0;
  [[nodiscard]] virtual Task<Registration> change_password(std::string name,
                                                           std::string password) = 0;
  [[nodiscard]] virtual Task<std::optional<Account>> account(std::string name) = 0;
  /// With its nicks, its tokens, and the secrets and markers of its `account_identity`. False:
  /// there was none.
  [[nodiscard]] virtual Task<bool> remove_account(std::string name) = 0;

  // ---- Nicks, case-folded
  // ---------------------------------------------------------------------------
  /// False: it is another's, or the account has `nicks_max`, or does not exist.
  [[nodiscard]] virtual Task<bool> reserve_nick(std::string nick, std::string account) = 0;
  /// False: it is not the account's.
  [[nodiscard]] virtual Task<bool> release_nick(std::string nick, std::string account) = 0;
  /// The account whose nick it is.
  [[nodiscard]] virtual Task<std::optional<std::string>> nick_owner(std::string nick) = 0;
  [[nodiscard]] virtual Task<std::vector<std::string>> nicks(std::string account) = 0;

  // ---- Resuming
  // ---------------------------------------------------------------------------------------
  /// A secret that stands for `identity` until `expires`, once.
  [[nodiscard]] virtual Task<ResumeSecret> issue_secret(std::string identity, Time expires) = 0;
  /// Takes the secret. Its successor expires at `expires`. A second use is told as long as the
  /// session's last secret has not expired.
  [[nodiscard]] virtual Task<Resumed> resume(std::string secret, Time now, Time expires) = 0;
  /// No secret of this session resumes any more.
  [[nodiscard]] virtual Task<> end_session(std::string session) = 0;

  // ---- Read markers
  // -------------------------------------------------------------------------------------
  /// `identity` has read `target` up to `read`. It never goes back. Gives the marker as it is now.
  [[nodiscard]] virtual Task<Time> set_marker(std::string identity, std::string target,
                                              Time read) = 0;
  [[nodiscard]] virtual Task<std::optional<Time>> marker(std::string identity,
                                                         std::string target) = 0;

  // ---- Tokens
  // ---------------------------------------------------------------------------------------------
  /// Nothing: no such account, or it has `tokens_max`.
  [[nodiscard]] virtual Task<std::optional<NewToken>> create_token(std::string account,
                                                                   std::string label, Time now,
                                                                   std::optional<Time> expires) = 0;
  /// The token whose secret this is, if it has not expired.
  [[nodiscard]] virtual Task<std::optional<Token>> check_token(std::string secret, Time now) = 0;
  [[nodiscard]] virtual Task<std::vector<Token>> tokens(std::string account) = 0;
  [[nodiscard]] virtual Task<bool> revoke_token(std::string account, std::uint64_t id) = 0;

  /// Forgets what has expired. Gives how much that was.
  [[nodiscard]] virtual Task<std::uint64_t> trim(Time now) = 0;
};

}  // namespace ieum::hub
