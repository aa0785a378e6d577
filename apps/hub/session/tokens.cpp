// TOKEN: what an account's programs may speak with over HTTP.
#include <utility>

#include "irc/limits.hpp"
#include "irc/names.hpp"
#include "irc/text.hpp"
#include "session/commands.hpp"
#include "session/session.hpp"

namespace ieum::hub {

namespace {

Task<> create(Session& session, std::string label, std::string days_text) {
  Hub& hub = session.hub;
  if (!session.origin.trusted) {
    session.fail("TOKEN", "INSECURE_CONNECTION", {}, "Tokens are told over TLS only");
    co_return;
  }
  if (!is_user(label) || label.size() > limits::user_bytes) {
    session.fail("TOKEN", "BAD_LABEL", {}, "A token needs a name of one word: TOKEN CREATE builds");
    co_return;
  }
  std::optional<Time> expires;
  if (!days_text.empty()) {
    const std::size_t days = number_of(days_text, 0);
    if (days == 0 || days > limits::token_days) {
      session.fail("TOKEN", "BAD_DAYS", {shown(days_text)}, "That is no number of days");
      co_return;
    }
    expires = hub.time() + std::chrono::days(days);
  }
  std::string account = key_of(session.account);
  std::optional<NewToken> made =
      co_await hub.accounts().create_token(std::move(account), label, hub.time(), expires);
  if (!made) {
    session.fail("TOKEN", "TOO_MANY_TOKENS", {}, "You have as many as one may have: revoke one");
    co_return;
  }
  const std::string id = std::to_string(made->token.id);
  hub.events().write("token", {{"account", session.account}, {"id", id}, {"label", label}});
  session.standard_reply("NOTE", "TOKEN", "CREATED", {id, label, made->secret},
                         "This is the only time that you see it");
}

Task<> list(Session& session) {
  std::string account = key_of(session.account);
  const std::vector<Token> tokens = co_await session.hub.accounts().tokens(std::move(account));
  for (const Token& token : tokens) {
    const std::string until = token.expires ? "until " + format_time(*token.expires) : "for good";
    session.standard_reply("NOTE", "TOKEN", "LISTED", {std::to_string(token.id), token.label},
                           "Made " + format_time(token.created) + ", valid " + until);
  }
  const std::string count = std::to_string(tokens.size());
  session.standard_reply("NOTE", "TOKEN", "END", {count}, "End of your tokens");
}

Task<> revoke(Session& session, std::string id_text) {
  Hub& hub = session.hub;
  std::string account = key_of(session.account);
  const std::size_t id = number_of(id_text, 0);
  const bool revoked = co_await hub.accounts().revoke_token(std::move(account), id);
  if (!revoked) {
    session.fail("TOKEN", "UNKNOWN_TOKEN", {shown(id_text)}, "You have no token of that number");
    co_return;
  }
  hub.events().write("token-revoked", {{"account", session.account}, {"id", id_text}});
  session.standard_reply("NOTE", "TOKEN", "REVOKED", {id_text}, "It is good for nothing any more");
}

}  // namespace

Task<> do_token(Session& session, Message message) {
  const std::string what = upper(message.param(0));
  std::string first(message.param(1));
  std::string second(message.param(2));
  if (session.account.empty()) {
    session.fail("TOKEN", "ACCOUNT_REQUIRED", {}, "Tokens belong to accounts: log in first");
  } else if (what == "CREATE") {
    co_await create(session, std::move(first), std::move(second));
  } else if (what == "LIST") {
    co_await list(session);
  } else if (what == "REVOKE") {
    co_await revoke(session, std::move(first));
  } else {
    session.fail("TOKEN", "INVALID_PARAMS", {}, "CREATE LABEL [DAYS], LIST, or REVOKE NUMBER");
  }
}

}  // namespace ieum::hub
