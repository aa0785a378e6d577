#include "accounts/sqlite_account_store.hpp"

#include <algorithm>
#include <utility>

#include "accounts/secrets.hpp"

namespace ieum::hub {

namespace {

template <class T>
using Work = std::move_only_function<T(Connection&)>;

std::int64_t to_integer(Time time) { return time.time_since_epoch().count(); }
Time to_time(std::int64_t value) { return Time(std::chrono::milliseconds(value)); }

/// Of statements whose first parameter is `text`.
std::optional<std::string> text_of(Connection& connection, const char* sql,
                                   const std::string& text) {
  const Use row = connection.use(sql);
  if (!row->bind(1, text).step()) return {};
  return row->text(0);
}
std::int64_t integer_of(Connection& connection, const char* sql, const std::string& text) {
  const Use row = connection.use(sql);
  return row->bind(1, text).step() ? row->integer(0) : 0;
}
std::int64_t change(Connection& connection, const char* sql, const std::string& text) {
  const Use statement = connection.use(sql);
  statement->bind(1, text).step();
  return connection.changes();
}

bool has_account(Connection& connection, const std::string& name) {
  return integer_of(connection, "SELECT count(*) FROM accounts WHERE name = ?1", name) > 0;
}
std::optional<std::string> owner_of(Connection& connection, const std::string& nick) {
  return text_of(connection, "SELECT account FROM nicks WHERE nick = ?1", nick);
}
void add_nick(Connection& connection, const std::string& nick, const std::string& account) {
  const Use add = connection.use("INSERT INTO nicks VALUES (?1, ?2)");
  add->bind(1, nick).bind(2, account).step();
}
void add_secret(Connection& connection, const std::string& secret, const std::string& session) {
  const std::string hash = secret_hash(secret);
  const Use add = connection.use("INSERT INTO secrets (hash, session) VALUES (?1, ?2)");
  add->bind(1, hash).bind(2, session).step();
}
void end(Connection& connection, const std::string& session) {
  change(connection, "UPDATE sessions SET ended = 1 WHERE id = ?1", session);
}

/// Of a row that begins with id, account, label, created, expires.
Token token_of(const Statement& row) {
  Token token;
  token.id = row.unsigned_integer(0);
  token.account = row.text(1);
  token.label = row.text(2);
  token.created = to_time(row.integer(3));
  if (!row.is_null(4)) token.expires = to_time(row.integer(4));
  return token;
}

std::optional<Registration> refusal(const std::string& password) {
  if (password.size() < AccountStore::password_bytes_min) return Registration::too_weak;
  if (password.size() > AccountStore::password_bytes_max) return Registration::too_long;
  return {};
}

}  // namespace

// ---- Accounts -----------------------------------------------------------------------------------

Task<Registration> SqliteAccountStore::register_account(Account account, std::string password) {
  const std::optional<Registration> refused = refusal(password);
  if (refused) co_return Registration(*refused);
  const std::optional<std::string> hash = co_await hasher_.hash(std::move(password));
  if (!hash) co_return Registration::too_busy;
  Work<Registration> work = [account, hash = *hash](Connection& connection) {
    if (has_account(connection, account.name) || owner_of(connection, account.name)) {
      return Registration::exists;
    }
    const Use add = connection.use("INSERT INTO accounts VALUES (?1, ?2, ?3, ?4)");
    add->bind(1, account.name).bind(2, account.display_name).bind(3, hash);
    add->bind(4, to_integer(account.created)).step();
    add_nick(connection, account.name, account.name);
    return Registration::registered;
  };
  const Registration ended = co_await database_.write(std::move(work));
  co_return Registration(ended);
}

Task<Login> SqliteAccountStore::log_in(std::string name, std::string password) {
  if (password.size() > password_bytes_max) co_return Login::refused;
  Work<std::optional<std::string>> work = [name](Connection& connection) {
    return text_of(connection, "SELECT hash FROM accounts WHERE name = ?1", name);
  };
  std::optional<std::string> hash = co_await database_.read(std::move(work));
  const std::optional<bool> accepted = co_await hasher_.check(std::move(password), std::move(hash));
  if (!accepted) co_return Login::too_busy;
  if (*accepted) co_return Login::accepted;
  co_return Login::refused;
}

Task<Registration> SqliteAccountStore::change_password(std::string name, std::string password) {
  const std::optional<Registration> refused = refusal(password);
  if (refused) co_return Registration(*refused);
  const std::optional<std::string> hash = co_await hasher_.hash(std::move(password));
  if (!hash) co_return Registration::too_busy;
  Work<bool> work = [name, hash = *hash](Connection& connection) {
    const Use set = connection.use("UPDATE accounts SET hash = ?2 WHERE name = ?1");
    set->bind(1, name).bind(2, hash).step();
    return connection.changes() > 0;
  };
  const bool changed = co_await database_.write(std::move(work));
  if (changed) co_return Registration::registered;
  co_return Registration::absent;
}

Task<std::optional<Account>> SqliteAccountStore::account(std::string name) {
  Work<std::optional<Account>> work = [name](Connection& connection) -> std::optional<Account> {
    const Use row =
        connection.use("SELECT name, display_name, created FROM accounts WHERE name = ?1");
    if (!row->bind(1, name).step()) return {};
    return Account{row->text(0), row->text(1), to_time(row->integer(2))};
  };
  return database_.read(std::move(work));
}

Task<bool> SqliteAccountStore::remove_account(std::string name) {
  Work<bool> work = [name](Connection& connection) {
    if (change(connection, "DELETE FROM accounts WHERE name = ?1", name) == 0) return false;
    change(connection, "DELETE FROM nicks WHERE account = ?1", name);
    change(connection, "DELETE FROM tokens WHERE account = ?1", name);
    const std::string identity = account_identity(name);
    change(connection, "DELETE FROM markers WHERE identity = ?1", identity);
    change(connection, "UPDATE sessions SET ended = 1 WHERE identity = ?1", identity);
    return true;
  };
  return database_.write(std::move(work));
}

// ---- Nicks --------------------------------------------------------------------------------------

Task<bool> SqliteAccountStore::reserve_nick(std::string nick, std::string account) {
  Work<bool> work = [nick, account](Connection& connection) {
    if (!has_account(connection, account)) return false;
    const std::optional<std::string> owner = owner_of(connection, nick);
    if (owner) return *owner == account;
    const std::int64_t held =
        integer_of(connection, "SELECT count(*) FROM nicks WHERE account = ?1", account);
    if (std::cmp_greater_equal(held, nicks_max)) return false;
    add_nick(connection, nick, account);
    return true;
  };
  return database_.write(std::move(work));
}

Task<bool> SqliteAccountStore::release_nick(std::string nick, std::string account) {
  Work<bool> work = [nick, account](Connection& connection) {
    const Use release = connection.use("DELETE FROM nicks WHERE nick = ?1 AND account = ?2");
    release->bind(1, nick).bind(2, account).step();
    return connection.changes() > 0;
  };
  return database_.write(std::move(work));
}

Task<std::optional<std::string>> SqliteAccountStore::nick_owner(std::string nick) {
  Work<std::optional<std::string>> work = [nick](Connection& connection) {
    return owner_of(connection, nick);
  };
  return database_.read(std::move(work));
}

Task<std::vector<std::string>> SqliteAccountStore::nicks(std::string account) {
  Work<std::vector<std::string>> work = [account](Connection& connection) {
    std::vector<std::string> found;
    const Use row = connection.use("SELECT nick FROM nicks WHERE account = ?1 ORDER BY nick");
    row->bind(1, account);
    while (row->step()) found.push_back(row->text(0));
    return found;
  };
  return database_.read(std::move(work));
}

// ---- Resuming -----------------------------------------------------------------------------------

Task<ResumeSecret> SqliteAccountStore::issue_secret(std::string identity, Time expires) {
  ResumeSecret issued;
  issued.secret = co_await random_text();
  issued.session = co_await random_text();
  Work<char> work = [issued, identity, expires](Connection& connection) {
    const Use add =
        connection.use("INSERT INTO sessions (id, identity, expires) VALUES (?1, ?2, ?3)");
    add->bind(1, issued.session).bind(2, identity).bind(3, to_integer(expires)).step();
    add_secret(connection, issued.secret, issued.session);
    return 'i';
  };
  co_await database_.write(std::move(work));
  co_return issued;
}

Task<Resumed> SqliteAccountStore::resume(std::string secret, Time now, Time expires) {
  std::string next = co_await random_text();
  Work<Resumed> work = [secret, next = std::move(next), now, expires](Connection& connection) {
    Resumed resumed;
    const std::string hash = secret_hash(secret);
    bool is_used = false;
    bool has_ended = false;
    {
      const Use row = connection.use(
          "SELECT identity, session, used, ended, expires FROM secrets "
          "JOIN sessions ON sessions.id = session WHERE hash = ?1");
      if (!row->bind(1, hash).step()) return resumed;
      resumed.identity = row->text(0);
      resumed.session = row->text(1);
      is_used = row->integer(2) != 0;
      has_ended = row->integer(3) != 0;
      if (now >= to_time(row->integer(4))) {
        resumed.kind = Resumed::Kind::expired;
        return resumed;
      }
    }
    if (is_used) {
      resumed.kind = Resumed::Kind::reused;
      end(connection, resumed.session);
      return resumed;
    }
    if (has_ended) return Resumed{};
    resumed.kind = Resumed::Kind::resumed;
    change(connection, "UPDATE secrets SET used = 1 WHERE hash = ?1", hash);
    const Use prolong = connection.use("UPDATE sessions SET expires = ?2 WHERE id = ?1");
    prolong->bind(1, resumed.session).bind(2, to_integer(expires)).step();
    add_secret(connection, next, resumed.session);
    resumed.next = next;
    return resumed;
  };
  Resumed resumed = co_await database_.write(std::move(work));
  co_return resumed;
}

Task<> SqliteAccountStore::end_session(std::string session) {
  Work<char> work = [session](Connection& connection) {
    end(connection, session);
    return 'e';
  };
  co_await database_.write(std::move(work));
}

// ---- Read markers -------------------------------------------------------------------------------

Task<Time> SqliteAccountStore::set_marker(std::string identity, std::string target, Time read) {
  Work<Time> work = [identity, target, read](Connection& connection) {
    const Use set = connection.use(
        "INSERT INTO markers VALUES (?1, ?2, ?3) ON CONFLICT (identity, target) "
        "DO UPDATE SET time = max(time, excluded.time) RETURNING time");
    set->bind(1, identity).bind(2, target).bind(3, to_integer(read)).step();
    return to_time(set->integer(0));
  };
  return database_.write(std::move(work));
}

Task<std::optional<Time>> SqliteAccountStore::marker(std::string identity, std::string target) {
  Work<std::optional<Time>> work = [identity,
                                    target](Connection& connection) -> std::optional<Time> {
    const Use row = connection.use("SELECT time FROM markers WHERE identity = ?1 AND target = ?2");
    if (!row->bind(1, identity).bind(2, target).step()) return {};
    return to_time(row->integer(0));
  };
  return database_.read(std::move(work));
}

// ---- Tokens -------------------------------------------------------------------------------------

Task<std::optional<NewToken>> SqliteAccountStore::create_token(std::string account,
                                                               std::string label, Time now,
                                                               std::optional<Time> expires) {
  NewToken made;
  made.secret = co_await random_text();
  made.token.account = std::move(account);
  made.token.label = std::move(label);
  made.token.created = now;
  made.token.expires = expires;
  Work<std::optional<NewToken>> work =
      [made](Connection& connection) mutable -> std::optional<NewToken> {
    Token& token = made.token;
    if (!has_account(connection, token.account)) return {};
    const std::int64_t held =
        integer_of(connection, "SELECT count(*) FROM tokens WHERE account = ?1", token.account);
    if (std::cmp_greater_equal(held, tokens_max)) return {};
    const std::string hash = secret_hash(made.secret);
    const Use add = connection.use(
        "INSERT INTO tokens (hash, account, label, created, expires) VALUES (?1, ?2, ?3, ?4, ?5)");
    add->bind(1, hash).bind(2, token.account).bind(3, token.label);
    add->bind(4, to_integer(token.created));
    if (token.expires) {
      add->bind(5, to_integer(*token.expires));
    } else {
      add->bind_null(5);
    }
    add->step();
    token.id = static_cast<std::uint64_t>(connection.last_row());
    return made;
  };
  std::optional<NewToken> created = co_await database_.write(std::move(work));
  co_return created;
}

Task<std::optional<Token>> SqliteAccountStore::check_token(std::string secret, Time now) {
  Work<std::optional<Token>> work = [secret, now](Connection& connection) -> std::optional<Token> {
    const std::string hash = secret_hash(secret);
    const Use row =
        connection.use("SELECT id, account, label, created, expires FROM tokens WHERE hash = ?1");
    if (!row->bind(1, hash).step()) return {};
    Token token = token_of(*row.operator->());
    if (token.expires && now >= *token.expires) return {};
    return token;
  };
  return database_.read(std::move(work));
}

Task<std::vector<Token>> SqliteAccountStore::tokens(std::string account) {
  Work<std::vector<Token>> work = [account](Connection& connection) {
    std::vector<Token> found;
    const Use row = connection.use(
        "SELECT id, account, label, created, expires FROM tokens WHERE account = ?1 ORDER BY id");
    row->bind(1, account);
    while (row->step()) found.push_back(token_of(*row.operator->()));
    return found;
  };
  return database_.read(std::move(work));
}

Task<bool> SqliteAccountStore::revoke_token(std::string account, std::uint64_t id) {
  Work<bool> work = [account, id](Connection& connection) {
    const Use revoke = connection.use("DELETE FROM tokens WHERE account = ?1 AND id = ?2");
    revoke->bind(1, account).bind(2, id).step();
    return connection.changes() > 0;
  };
  return database_.write(std::move(work));
}

Task<std::uint64_t> SqliteAccountStore::trim(Time now) {
  Work<std::uint64_t> work = [now](Connection& connection) {
    std::int64_t gone = 0;
    const Use tokens = connection.use("DELETE FROM tokens WHERE expires <= ?1");
    tokens->bind(1, to_integer(now)).step();
    gone += connection.changes();
    const Use secrets = connection.use(
        "DELETE FROM secrets WHERE session IN (SELECT id FROM sessions WHERE expires <= ?1)");
    secrets->bind(1, to_integer(now)).step();
    const Use sessions = connection.use("DELETE FROM sessions WHERE expires <= ?1");
    sessions->bind(1, to_integer(now)).step();
    gone += connection.changes();
    return static_cast<std::uint64_t>(gone);
  };
  return database_.write(std::move(work));
}

}  // namespace ieum::hub
