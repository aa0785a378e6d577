#include "accounts/memory_account_store.hpp"

#include <algorithm>

#include "accounts/secrets.hpp"

namespace ieum::hub {

// No lock is held where something is awaited.

// ---- Accounts -----------------------------------------------------------------------------------

Task<Registration> MemoryAccountStore::register_account(Account account, std::string password) {
  if (password.size() < password_bytes_min) co_return Registration::too_weak;
  if (password.size() > password_bytes_max) co_return Registration::too_long;
  const std::optional<std::string> hash = co_await hasher_.hash(std::move(password));
  if (!hash) co_return Registration::too_busy;
  const std::lock_guard lock(mutex_);
  if (accounts_.contains(account.name) || nicks_.contains(account.name)) {
    co_return Registration::exists;
  }
  nicks_[account.name] = account.name;
  Held& held = accounts_[account.name];
  held.account = std::move(account);
  held.hash = *hash;
  co_return Registration::registered;
}

Task<Login> MemoryAccountStore::log_in(std::string name, std::string password) {
  if (password.size() > password_bytes_max) co_return Login::refused;
  std::optional<std::string> hash;
  {
    const std::lock_guard lock(mutex_);
    const auto at = accounts_.find(name);
    if (at != accounts_.end()) hash = at->second.hash;
  }
  const std::optional<bool> accepted = co_await hasher_.check(std::move(password), std::move(hash));
  if (!accepted) co_return Login::too_busy;
  if (*accepted) co_return Login::accepted;
  co_return Login::refused;
}

Task<Registration> MemoryAccountStore::change_password(std::string name, std::string password) {
  if (password.size() < password_bytes_min) co_return Registration::too_weak;
  if (password.size() > password_bytes_max) co_return Registration::too_long;
  const std::optional<std::string> hash = co_await hasher_.hash(std::move(password));
  if (!hash) co_return Registration::too_busy;
  const std::lock_guard lock(mutex_);
  const auto at = accounts_.find(name);
  if (at == accounts_.end()) co_return Registration::absent;
  at->second.hash = *hash;
  co_return Registration::registered;
}

Task<std::optional<Account>> MemoryAccountStore::account(std::string name) {
  const std::lock_guard lock(mutex_);
  std::optional<Account> found;
  const auto at = accounts_.find(name);
  if (at != accounts_.end()) found = at->second.account;
  co_return found;
}

Task<bool> MemoryAccountStore::remove_account(std::string name) {
  const std::lock_guard lock(mutex_);
  if (accounts_.erase(name) == 0) co_return false;
  const std::string identity = account_identity(name);
  std::erase_if(nicks_, [&](const auto& nick) { return nick.second == name; });
  std::erase_if(tokens_, [&](const auto& token) { return token.second.account == name; });
  std::erase_if(markers_, [&](const auto& marker) { return marker.first.first == identity; });
  for (auto& [id, session] : sessions_) session.ended |= session.identity == identity;
  co_return true;
}

// ---- Nicks --------------------------------------------------------------------------------------

Task<bool> MemoryAccountStore::reserve_nick(std::string nick, std::string account) {
  const std::lock_guard lock(mutex_);
  if (!accounts_.contains(account)) co_return false;
  const auto at = nicks_.find(nick);
  if (at != nicks_.end()) co_return at->second == account;
  const auto held = std::ranges::count_if(
      nicks_, [&](const auto& reserved) { return reserved.second == account; });
  if (std::cmp_greater_equal(held, nicks_max)) co_return false;
  nicks_[nick] = account;
  co_return true;
}

Task<bool> MemoryAccountStore::release_nick(std::string nick, std::string account) {
  const std::lock_guard lock(mutex_);
  const auto at = nicks_.find(nick);
  if (at == nicks_.end() || at->second != account) co_return false;
  nicks_.erase(at);
  co_return true;
}

Task<std::optional<std::string>> MemoryAccountStore::nick_owner(std::string nick) {
  const std::lock_guard lock(mutex_);
  std::optional<std::string> owner;
  const auto at = nicks_.find(nick);
  if (at != nicks_.end()) owner = at->second;
  co_return owner;
}

Task<std::vector<std::string>> MemoryAccountStore::nicks(std::string account) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> found;
  for (const auto& [nick, owner] : nicks_) {
    if (owner == account) found.push_back(nick);
  }
  co_return found;
}

// ---- Resuming -----------------------------------------------------------------------------------

Task<ResumeSecret> MemoryAccountStore::issue_secret(std::string identity, Time expires) {
  ResumeSecret issued;
  issued.secret = co_await random_text();
  issued.session = co_await random_text();
  const std::lock_guard lock(mutex_);
  Session& session = sessions_[issued.session];
  session.identity = std::move(identity);
  session.expires = expires;
  secrets_[secret_hash(issued.secret)].session = issued.session;
  co_return issued;
}

Task<Resumed> MemoryAccountStore::resume(std::string secret, Time now, Time expires) {
  Resumed resumed;
  std::string next = co_await random_text();
  const std::lock_guard lock(mutex_);
  const auto at = secrets_.find(secret_hash(secret));
  if (at == secrets_.end()) co_return resumed;
  Session& session = sessions_.at(at->second.session);
  resumed.identity = session.identity;
  resumed.session = at->second.session;
  if (now >= session.expires) {
    resumed.kind = Resumed::Kind::expired;
  } else if (at->second.used) {
    resumed.kind = Resumed::Kind::reused;
    session.ended = true;
  } else if (session.ended) {
    co_return Resumed{};
  } else {
    resumed.kind = Resumed::Kind::resumed;
    at->second.used = true;
    session.expires = expires;
    secrets_[secret_hash(next)].session = resumed.session;
    resumed.next = std::move(next);
  }
  co_return resumed;
}

Task<> MemoryAccountStore::end_session(std::string session) {
  const std::lock_guard lock(mutex_);
  const auto at = sessions_.find(session);
  if (at != sessions_.end()) at->second.ended = true;
  co_return;
}

// ---- Read markers -------------------------------------------------------------------------------

Task<Time> MemoryAccountStore::set_marker(std::string identity, std::string target, Time read) {
  const std::lock_guard lock(mutex_);
  const auto [at, is_new] = markers_.try_emplace({std::move(identity), std::move(target)}, read);
  at->second = std::max(at->second, read);
  co_return Time(at->second);
}

Task<std::optional<Time>> MemoryAccountStore::marker(std::string identity, std::string target) {
  const std::lock_guard lock(mutex_);
  std::optional<Time> found;
  const auto at = markers_.find({std::move(identity), std::move(target)});
  if (at != markers_.end()) found = at->second;
  co_return found;
}

// ---- Tokens -------------------------------------------------------------------------------------

Task<std::optional<NewToken>> MemoryAccountStore::create_token(std::string account,
                                                               std::string label, Time now,
                                                               std::optional<Time> expires) {
  std::optional<NewToken> created;
  std::string secret = co_await random_text();
  const std::lock_guard lock(mutex_);
  if (!accounts_.contains(account)) co_return created;
  const auto held = std::ranges::count_if(
      tokens_, [&](const auto& token) { return token.second.account == account; });
  if (std::cmp_greater_equal(held, tokens_max)) co_return created;
  created.emplace();
  created->token.id = ++tokens_made_;
  created->token.account = std::move(account);
  created->token.label = std::move(label);
  created->token.created = now;
  created->token.expires = expires;
  tokens_[secret_hash(secret)] = created->token;
  created->secret = std::move(secret);
  co_return created;
}

Task<std::optional<Token>> MemoryAccountStore::check_token(std::string secret, Time now) {
  const std::lock_guard lock(mutex_);
  std::optional<Token> found;
  const auto at = tokens_.find(secret_hash(secret));
  if (at != tokens_.end() && (!at->second.expires || now < *at->second.expires)) {
    found = at->second;
  }
  co_return found;
}

Task<std::vector<Token>> MemoryAccountStore::tokens(std::string account) {
  const std::lock_guard lock(mutex_);
  std::vector<Token> found;
  for (const auto& [hash, token] : tokens_) {
    if (token.account == account) found.push_back(token);
  }
  std::ranges::sort(found, {}, &Token::id);
  co_return found;
}

Task<bool> MemoryAccountStore::revoke_token(std::string account, std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  const std::size_t gone = std::erase_if(tokens_, [&](const auto& token) {
    return token.second.id == id && token.second.account == account;
  });
  co_return gone > 0;
}

Task<std::uint64_t> MemoryAccountStore::trim(Time now) {
  const std::lock_guard lock(mutex_);
  std::size_t gone = std::erase_if(tokens_, [&](const auto& token) {
    return token.second.expires && now >= *token.second.expires;
  });
  std::erase_if(secrets_, [&](const auto& secret) {
    return now >= sessions_.at(secret.second.session).expires;
  });
  gone +=
      std::erase_if(sessions_, [&](const auto& session) { return now >= session.second.expires; });
  co_return gone;
}

}  // namespace ieum::hub
