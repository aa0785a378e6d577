// Commands with which a client proves who it is: AUTHENTICATE, REGISTER, RESUME.
#include <algorithm>

#include "irc/base64.hpp"
#include "irc/limits.hpp"
#include "irc/names.hpp"
#include "irc/text.hpp"
#include "session/commands.hpp"
#include "session/session.hpp"

namespace ieum::hub {

namespace {

Task<> logged_in(Session& session, std::string account) {
  session.account = account;
  if (session.is_registered()) {
    change::LoggedIn logged_in;
    logged_in.id = session.user->id;
    logged_in.account = account;
    co_await session.hub.announce(&session, std::move(logged_in));
  }
  const std::string mask = session.is_registered() ? session.user->mask() : session.nick() + "!*@*";
  session.numeric("RPL_LOGGEDIN"_numeric, {mask, account, "You are now logged in as " + account});
}

/// Counts a wrong password; too many end the connection.
void count_failure(Session& session, std::string_view account) {
  session.hub.count_failure(session.origin.host);
  session.hub.events().write("login-failed", {{"host", session.origin.host}, {"account", account}});
  if (++session.failures >= limits::failures_per_connection)
    session.end("Too many wrong passwords");
}

struct Credentials {
  std::string account;
  std::string password;
};

/// `authzid NUL authcid NUL password` (RFC 4616).
std::optional<Credentials> decode_plain(std::string_view text) {
  const std::optional<std::string> decoded = decode_base64(text);
  if (!decoded) return std::nullopt;
  const std::string_view all = *decoded;
  const std::size_t first = all.find('\0');
  const std::size_t second = first == std::string_view::npos ? first : all.find('\0', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const std::string_view as = all.substr(0, first);
  Credentials credentials;
  credentials.account = all.substr(first + 1, second - first - 1);
  credentials.password = all.substr(second + 1);
  if (!as.empty() && !same_name(as, credentials.account)) return std::nullopt;
  if (!is_account(credentials.account) || credentials.password.contains('\0')) return std::nullopt;
  return credentials;
}

Task<> log_in(Session& session, std::string response) {
  Hub& hub = session.hub;
  std::optional<Credentials> credentials = decode_plain(response);
  if (!credentials || !hub.may_try_password(session.origin.host)) {
    session.numeric("ERR_SASLFAIL"_numeric);
    count_failure(session, credentials ? credentials->account : "");
    co_return;
  }
  const std::string key = key_of(credentials->account);
  const Login login = co_await hub.accounts().log_in(key, credentials->password);
  if (session.is_ending()) co_return;
  if (login != Login::accepted) {
    session.numeric("ERR_SASLFAIL"_numeric);
    if (login == Login::refused) count_failure(session, credentials->account);
    co_return;
  }
  std::optional<Account> account = co_await hub.accounts().account(key);
  std::string name = credentials->account;
  if (account) name = account->display_name;
  co_await logged_in(session, std::move(name));
  session.numeric("RPL_SASLSUCCESS"_numeric);
}

/// Why an account of this name and password cannot be made: code and text; empty: it may.
std::pair<std::string_view, std::string_view> refusal_of(Session& session,
                                                         const std::string& account,
                                                         std::string_view password) {
  if (!session.origin.trusted) {
    return {"INSECURE_CONNECTION", "Passwords are taken over TLS only"};
  }
  if (!session.account.empty()) return {"ALREADY_AUTHENTICATED", "You have an account"};
  if (account.empty()) return {"NEED_NICK", "Choose a nickname first"};
  if (!is_account(account)) return {"BAD_ACCOUNT_NAME", "That cannot be an account's name"};
  if (password.size() < limits::password_bytes_min) {
    return {"WEAK_PASSWORD", "Choose a password of at least six characters"};
  }
  if (password.size() > limits::password_bytes || has_controls(password)) {
    return {"UNACCEPTABLE_PASSWORD", "That cannot be a password"};
  }
  const User* user = session.hub.find_user(account);
  if (user != nullptr && user != session.user) {
    return {"ACCOUNT_EXISTS", "Somebody uses that name"};
  }
  if (!session.hub.may_try_password(session.origin.host)) {
    return {"TEMPORARILY_UNAVAILABLE", "Too many attempts, try again later"};
  }
  return {};
}

}  // namespace

Task<> do_authenticate(Session& session, Message message) {
  if (!session.caps.has(Cap::sasl) || !session.origin.trusted) {
    session.numeric("ERR_SASLFAIL"_numeric);
    co_return;
  }
  if (!session.account.empty()) {
    session.numeric("ERR_SASLALREADY"_numeric);
    co_return;
  }
  const std::string_view word = message.param(0);
  if (word == "*") {
    session.sasl_begun = false;
    session.sasl_response.clear();
    session.numeric("ERR_SASLABORTED"_numeric);
    co_return;
  }
  if (!session.sasl_begun) {
    if (upper(word) != "PLAIN") {
      session.numeric("RPL_SASLMECHS"_numeric, {"PLAIN"});
      session.numeric("ERR_SASLFAIL"_numeric);
      co_return;
    }
    session.sasl_begun = true;
    session.answer({}, "AUTHENTICATE +\r\n");
    co_return;
  }
  if (word.size() > limits::sasl_chunk_bytes ||
      session.sasl_response.size() + word.size() > limits::sasl_bytes) {
    session.sasl_begun = false;
    session.sasl_response.clear();
    if (word.size() > limits::sasl_chunk_bytes) {
      session.numeric("ERR_SASLTOOLONG"_numeric);
    } else {
      session.numeric("ERR_SASLFAIL"_numeric);
      count_failure(session, "");
    }
    co_return;
  }
  if (word != "+") session.sasl_response += word;
  if (word.size() == limits::sasl_chunk_bytes) co_return;  // more comes
  session.sasl_begun = false;
  co_await log_in(session, std::exchange(session.sasl_response, {}));
}

Task<> do_register(Session& session, Message message) {
  Hub& hub = session.hub;
  std::string account(message.param(0));
  if (account == "*") account = session.nick() == "*" ? "" : session.nick();
  std::string password(message.param(2));
  const auto [code, why] = refusal_of(session, account, password);
  if (!code.empty()) {
    session.fail("REGISTER", code, {account.empty() ? "*" : account}, why);
    co_return;
  }
  // As a guess: accounts are not made by the thousand.
  if (session.origin.host != "localhost") hub.count_failure(session.origin.host);
  Account made;
  made.name = key_of(account);
  made.display_name = account;
  made.created = hub.time();
  const Registration done =
      co_await hub.accounts().register_account(std::move(made), std::move(password));
  if (session.is_ending()) co_return;
  switch (done) {
    case Registration::registered:
      hub.events().write("account", {{"name", account}, {"host", session.origin.host}});
      session.reply("REGISTER", {"SUCCESS", account, "You have an account now"}, true);
      co_await logged_in(session, account);
      break;
    case Registration::too_busy:
      session.fail("REGISTER", "TEMPORARILY_UNAVAILABLE", {account}, "Try again in a moment");
      break;
    case Registration::too_weak:
      session.fail("REGISTER", "WEAK_PASSWORD", {account}, "Choose a longer password");
      break;
    case Registration::too_long:
      session.fail("REGISTER", "UNACCEPTABLE_PASSWORD", {account}, "Choose a shorter password");
      break;
    default:
      session.fail("REGISTER", "ACCOUNT_EXISTS", {account}, "There is such an account already");
  }
}

Task<> do_resume(Session& session, Message message) {
  Hub& hub = session.hub;
  if (session.is_registered()) {
    session.numeric("ERR_ALREADYREGISTERED"_numeric);
    co_return;
  }
  if (!hub.may_try_password(session.origin.host)) {
    session.fail("RESUME", "TEMPORARILY_UNAVAILABLE", {}, "Too many attempts, try again later");
    co_return;
  }
  const Time at = hub.time();
  std::string secret(message.param(0));
  Resumed resumed = co_await hub.accounts().resume(std::move(secret), at, at + limits::resume_age);
  if (resumed.kind == Resumed::Kind::reused) {
    // Somebody has a copy: neither of the two can be told from the thief.
    hub.events().write("resume-reused", {{"host", session.origin.host}});
    session.fail("RESUME", "SECRET_REUSED", {}, "That secret was used before: both sessions end");
    hub.post(change::SecretReused{resumed.session});
    session.end("That resume secret was used before");
    co_return;
  }
  if (resumed.kind != Resumed::Kind::resumed) {
    hub.count_failure(session.origin.host);
    const bool expired = resumed.kind == Resumed::Kind::expired;
    session.fail("RESUME", expired ? "SECRET_EXPIRED" : "INVALID_SECRET", {},
                 expired ? "That secret has expired" : "There is no such secret");
    co_return;
  }
  session.resumed_identity = resumed.identity;
  session.resume_session = resumed.session;
  session.resume_secret = resumed.next;
  if (resumed.identity.starts_with("a:")) {
    std::optional<Account> account = co_await hub.accounts().account(resumed.identity.substr(2));
    if (account) co_await logged_in(session, account->display_name);
  }
  const std::vector<User*> users = hub.users_of(session.resumed_identity);
  session.reply("RESUME", {"SUCCESS", users.empty() ? "*" : users.front()->nick});
}

}  // namespace ieum::hub
