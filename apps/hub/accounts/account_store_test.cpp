// What AccountStore promises, of every engine.
#include "accounts/account_store.hpp"

#include "hub/storage/engines.hpp"

namespace ieum::hub {
namespace {

using namespace hub::test;

class AccountStoreTest : public StorageTest {};
INSTANTIATE_TEST_SUITE_P(Engines, AccountStoreTest, every_engine, engine_name);

Account named(const std::string& name) { return {name, name, at(0)}; }

Task<> passwords_are_checked(AccountStore& accounts) {
  Account ann = named("ann");
  ann.display_name = "Ann";
  const Registration made = co_await accounts.register_account(ann, "correct horse");
  EXPECT_EQ(made, Registration::registered);
  const Registration again = co_await accounts.register_account(ann, "another");
  EXPECT_EQ(again, Registration::exists);
  const Login right = co_await accounts.log_in("ann", "correct horse");
  EXPECT_EQ(right, Login::accepted);
  const Login wrong = co_await accounts.log_in("ann", "correct horse ");
  EXPECT_EQ(wrong, Login::refused);
  const Login nobody = co_await accounts.log_in("bob", "correct horse");
  EXPECT_EQ(nobody, Login::refused);
  const std::optional<Account> found = co_await accounts.account("ann");
  CO_ASSERT(found.has_value());
  EXPECT_EQ(found->display_name, "Ann");
  EXPECT_EQ(found->created, at(0));
  const Registration changed = co_await accounts.change_password("ann", "battery staple");
  EXPECT_EQ(changed, Registration::registered);
  const Login old = co_await accounts.log_in("ann", "correct horse");
  EXPECT_EQ(old, Login::refused);
  const Login fresh = co_await accounts.log_in("ann", "battery staple");
  EXPECT_EQ(fresh, Login::accepted);
  const Registration absent = co_await accounts.change_password("bob", "battery staple");
  EXPECT_EQ(absent, Registration::absent);
}
TEST_P(AccountStoreTest, PasswordsAreChecked) { expect_success(passwords_are_checked(accounts())); }

Task<> passwords_have_bounds(AccountStore& accounts) {
  const Registration weak = co_await accounts.register_account(named("ann"), "abc");
  EXPECT_EQ(weak, Registration::too_weak);
  std::string endless(AccountStore::password_bytes_max + 1, 'x');
  const Registration too_long = co_await accounts.register_account(named("ann"), endless);
  EXPECT_EQ(too_long, Registration::too_long);
  const Login refused = co_await accounts.log_in("ann", endless);
  EXPECT_EQ(refused, Login::refused);
  endless.pop_back();
  const Registration made = co_await accounts.register_account(named("ann"), endless);
  EXPECT_EQ(made, Registration::registered);
  std::string with_zero("p\0ssword", 8);
  const Registration bob = co_await accounts.register_account(named("bob"), with_zero);
  EXPECT_EQ(bob, Registration::registered);
  const Login cut = co_await accounts.log_in("bob", "p");
  EXPECT_EQ(cut, Login::refused);
}
TEST_P(AccountStoreTest, PasswordsHaveBounds) { expect_success(passwords_have_bounds(accounts())); }

Task<> nicks_belong_to_accounts(AccountStore& accounts) {
  co_await accounts.register_account(named("ann"), "password");
  co_await accounts.register_account(named("bob"), "password");
  const std::optional<std::string> own = co_await accounts.nick_owner("ann");
  EXPECT_EQ(own, "ann");
  const bool reserved = co_await accounts.reserve_nick("annie", "ann");
  EXPECT_TRUE(reserved);
  const bool again = co_await accounts.reserve_nick("annie", "ann");
  EXPECT_TRUE(again);
  const bool taken = co_await accounts.reserve_nick("annie", "bob");
  EXPECT_FALSE(taken);
  const bool of_nobody = co_await accounts.reserve_nick("eve", "eve");
  EXPECT_FALSE(of_nobody);
  const Registration as_nick = co_await accounts.register_account(named("annie"), "password");
  EXPECT_EQ(as_nick, Registration::exists);
  const std::vector<std::string> nicks = co_await accounts.nicks("ann");
  EXPECT_EQ(nicks, (std::vector<std::string>{"ann", "annie"}));
  const bool others = co_await accounts.release_nick("annie", "bob");
  EXPECT_FALSE(others);
  const bool released = co_await accounts.release_nick("annie", "ann");
  EXPECT_TRUE(released);
  const std::optional<std::string> nobody = co_await accounts.nick_owner("annie");
  EXPECT_FALSE(nobody.has_value());
  for (std::size_t i = 1; i < AccountStore::nicks_max; ++i) {
    const bool more = co_await accounts.reserve_nick("ann" + std::to_string(i), "ann");
    EXPECT_TRUE(more);
  }
  const bool too_many = co_await accounts.reserve_nick("annie", "ann");
  EXPECT_FALSE(too_many);
}
TEST_P(AccountStoreTest, NicksBelongToAccounts) {
  expect_success(nicks_belong_to_accounts(accounts()));
}

Task<> secrets_work_once(AccountStore& accounts) {
  const ResumeSecret issued = co_await accounts.issue_secret("g:1", at(1000));
  const Resumed first = co_await accounts.resume(issued.secret, at(500), at(2000));
  EXPECT_EQ(first.kind, Resumed::Kind::resumed);
  EXPECT_EQ(first.identity, "g:1");
  EXPECT_EQ(first.session, issued.session);
  EXPECT_NE(first.next, issued.secret);
  const Resumed second = co_await accounts.resume(first.next, at(1500), at(3000));
  EXPECT_EQ(second.kind, Resumed::Kind::resumed);
  // Somebody has kept a copy of the first.
  const Resumed copied = co_await accounts.resume(issued.secret, at(1600), at(3000));
  EXPECT_EQ(copied.kind, Resumed::Kind::reused);
  EXPECT_EQ(copied.identity, "g:1");
  EXPECT_EQ(copied.session, issued.session);
  EXPECT_EQ(copied.next, "");
  const Resumed rightful = co_await accounts.resume(second.next, at(1700), at(3000));
  EXPECT_EQ(rightful.kind, Resumed::Kind::unknown) << "the whole session is void";
  EXPECT_EQ(rightful.identity, "");
  const Resumed guessed = co_await accounts.resume("guessed", at(0), at(3000));
  EXPECT_EQ(guessed.kind, Resumed::Kind::unknown);
}
TEST_P(AccountStoreTest, SecretsWorkOnce) { expect_success(secrets_work_once(accounts())); }

Task<> secrets_end(AccountStore& accounts) {
  const ResumeSecret late = co_await accounts.issue_secret("g:1", at(1000));
  const Resumed expired = co_await accounts.resume(late.secret, at(1000), at(2000));
  EXPECT_EQ(expired.kind, Resumed::Kind::expired);
  EXPECT_EQ(expired.next, "");
  const ResumeSecret ended = co_await accounts.issue_secret("g:2", at(9000));
  co_await accounts.end_session(ended.session);
  const Resumed void_now = co_await accounts.resume(ended.secret, at(100), at(2000));
  EXPECT_EQ(void_now.kind, Resumed::Kind::unknown);
  const ResumeSecret kept = co_await accounts.issue_secret("g:3", at(9000));
  const std::uint64_t gone = co_await accounts.trim(at(1000));
  EXPECT_EQ(gone, 1U);
  const Resumed forgotten = co_await accounts.resume(late.secret, at(1000), at(2000));
  EXPECT_EQ(forgotten.kind, Resumed::Kind::unknown);
  const Resumed works = co_await accounts.resume(kept.secret, at(1000), at(2000));
  EXPECT_EQ(works.kind, Resumed::Kind::resumed);
}
TEST_P(AccountStoreTest, SecretsEnd) { expect_success(secrets_end(accounts())); }

Task<> markers_never_go_back(AccountStore& accounts) {
  const std::optional<Time> none = co_await accounts.marker("a:ann", "#sea");
  EXPECT_FALSE(none.has_value());
  const Time first = co_await accounts.set_marker("a:ann", "#sea", at(5000));
  EXPECT_EQ(first, at(5000));
  const Time back = co_await accounts.set_marker("a:ann", "#sea", at(3000));
  EXPECT_EQ(back, at(5000));
  const Time on = co_await accounts.set_marker("a:ann", "#sea", at(8000));
  EXPECT_EQ(on, at(8000));
  const std::optional<Time> kept = co_await accounts.marker("a:ann", "#sea");
  EXPECT_EQ(kept, at(8000));
  const std::optional<Time> others = co_await accounts.marker("a:bob", "#sea");
  EXPECT_FALSE(others.has_value());
}
TEST_P(AccountStoreTest, MarkersNeverGoBack) { expect_success(markers_never_go_back(accounts())); }

Task<> tokens_stand_for_accounts(AccountStore& accounts) {
  co_await accounts.register_account(named("ann"), "password");
  const std::optional<NewToken> none =
      co_await accounts.create_token("bob", "script", at(0), std::nullopt);
  EXPECT_FALSE(none.has_value());
  const std::optional<NewToken> ever =
      co_await accounts.create_token("ann", "script", at(0), std::nullopt);
  const std::optional<NewToken> brief =
      co_await accounts.create_token("ann", "phone", at(0), at(1000));
  CO_ASSERT(ever.has_value() && brief.has_value());
  const std::optional<Token> found = co_await accounts.check_token(ever->secret, at(5000));
  CO_ASSERT(found.has_value());
  EXPECT_EQ(found->account, "ann");
  EXPECT_EQ(found->label, "script");
  const std::optional<Token> in_time = co_await accounts.check_token(brief->secret, at(999));
  EXPECT_TRUE(in_time.has_value());
  const std::optional<Token> expired = co_await accounts.check_token(brief->secret, at(1000));
  EXPECT_FALSE(expired.has_value());
  const std::optional<Token> guessed = co_await accounts.check_token("guessed", at(0));
  EXPECT_FALSE(guessed.has_value());
  const std::vector<Token> listed = co_await accounts.tokens("ann");
  CO_ASSERT(listed.size() == 2);
  EXPECT_EQ(listed[1].expires, at(1000));
  const bool others = co_await accounts.revoke_token("bob", ever->token.id);
  EXPECT_FALSE(others);
  const bool revoked = co_await accounts.revoke_token("ann", ever->token.id);
  EXPECT_TRUE(revoked);
  const std::optional<Token> gone = co_await accounts.check_token(ever->secret, at(5000));
  EXPECT_FALSE(gone.has_value());
  const std::uint64_t forgotten = co_await accounts.trim(at(1000));
  EXPECT_EQ(forgotten, 1U);
  for (std::size_t i = 0; i < AccountStore::tokens_max; ++i) {
    const std::optional<NewToken> more =
        co_await accounts.create_token("ann", "more", at(0), std::nullopt);
    EXPECT_TRUE(more.has_value());
  }
  const std::optional<NewToken> too_many =
      co_await accounts.create_token("ann", "more", at(0), std::nullopt);
  EXPECT_FALSE(too_many.has_value());
}
TEST_P(AccountStoreTest, TokensStandForAccounts) {
  expect_success(tokens_stand_for_accounts(accounts()));
}

Task<> removed_account_leaves_nothing(AccountStore& accounts) {
  co_await accounts.register_account(named("ann"), "password");
  co_await accounts.reserve_nick("annie", "ann");
  const std::string identity = account_identity("ann");
  const ResumeSecret secret = co_await accounts.issue_secret(identity, at(9000));
  const std::optional<NewToken> token =
      co_await accounts.create_token("ann", "script", at(0), std::nullopt);
  co_await accounts.set_marker(identity, "#sea", at(1));
  const bool removed = co_await accounts.remove_account("ann");
  EXPECT_TRUE(removed);
  const bool again = co_await accounts.remove_account("ann");
  EXPECT_FALSE(again);
  const Login refused = co_await accounts.log_in("ann", "password");
  EXPECT_EQ(refused, Login::refused);
  const std::optional<std::string> nick = co_await accounts.nick_owner("annie");
  EXPECT_FALSE(nick.has_value());
  const Resumed resumed = co_await accounts.resume(secret.secret, at(0), at(9000));
  EXPECT_EQ(resumed.kind, Resumed::Kind::unknown);
  const std::optional<Token> found = co_await accounts.check_token(token->secret, at(0));
  EXPECT_FALSE(found.has_value());
  const std::optional<Time> marker = co_await accounts.marker(identity, "#sea");
  EXPECT_FALSE(marker.has_value());
}
TEST_P(AccountStoreTest, RemovedAccountLeavesNothing) {
  expect_success(removed_account_leaves_nothing(accounts()));
}

// ---- The hasher ---------------------------------------------------------------------------------

Task<> hash_one(PasswordHasher& hasher, int& busy) {
  const std::optional<std::string> hash = co_await hasher.hash("password");
  if (!hash) ++busy;
}

Task<> hash_many(PasswordHasher& hasher, int& busy) {
  auto body = [&](Group& group) -> Task<> {
    for (std::size_t i = 0; i < PasswordHasher::waiting_max + 10; ++i) {
      group.start(hash_one(hasher, busy));
    }
    co_return;
  };
  co_await with_group(body);
}
TEST(PasswordHasherTest, RefusesMoreThanAFewAtATime) {
  PasswordHasher hasher(PasswordHasher::Cost::interactive, 1);
  int busy = 0;
  // Stopped soon: the first is being computed, others wait, the rest was refused at once.
  expect_failure(std::errc::timed_out,
                 with_timeout(std::chrono::milliseconds(1), hash_many(hasher, busy)));
  EXPECT_GE(busy, 8);
  EXPECT_LE(busy, 10);
}

Task<> hashes_are_argon2id(PasswordHasher& hasher) {
  const std::optional<std::string> one = co_await hasher.hash("password");
  const std::optional<std::string> other = co_await hasher.hash("password");
  CO_ASSERT(one.has_value() && other.has_value());
  EXPECT_TRUE(one->starts_with("$argon2id$")) << *one;
  EXPECT_NE(*one, *other) << "each has a salt of its own";
  const std::optional<bool> right = co_await hasher.check("password", *one);
  EXPECT_EQ(right, true);
  const std::optional<bool> wrong = co_await hasher.check("Password", *one);
  EXPECT_EQ(wrong, false);
  const std::optional<bool> nothing = co_await hasher.check("password", std::nullopt);
  EXPECT_EQ(nothing, false);
}
TEST(PasswordHasherTest, HashesAreArgon2id) {
  PasswordHasher hasher(PasswordHasher::Cost::least, 2);
  expect_success(hashes_are_argon2id(hasher));
}

}  // namespace
}  // namespace ieum::hub
