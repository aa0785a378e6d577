// A room's state as a fold over its log.
#include "rooms/room_state.hpp"

#include <gtest/gtest.h>

namespace ieum::hub {
namespace {

class Folded {
 public:
  void add(Kind kind, std::string sender, std::string body, PresenceId about = 0) {
    StoredEntry stored;
    stored.position = ++position;
    stored.entry.kind = kind;
    stored.entry.sender = std::move(sender);
    stored.entry.source = "ann!a@h";
    stored.entry.body = std::move(body);
    stored.entry.about = about;
    stored.entry.time = Time(std::chrono::milliseconds(position));
    state.apply(stored);
  }
  void join(const std::string& who, PresenceId id, const std::string& account = "") {
    add(Kind::join, who, encode(JoinBody{"#Room", account, who}), id);
  }
  void mode(ModeChange change, PresenceId member = 0) {
    add(Kind::mode, "g:1", encode(std::vector<LoggedChange>{{std::move(change), member}}));
  }
  RoomState state;
  Position position = 0;
};

TEST(HubRoomState, TheFirstIsItsOperator) {
  Folded room;
  room.join("g:1", 1);
  room.join("g:2", 2);
  EXPECT_EQ(room.state.name, "#Room");
  EXPECT_TRUE(room.state.member(1)->op);
  EXPECT_FALSE(room.state.member(2)->op);
  EXPECT_EQ(room.state.modes(true), std::vector<std::string>{"+nt"});
}

TEST(HubRoomState, BeginsAnewWhenItWasEmpty) {
  Folded room;
  room.join("g:1", 1);
  room.add(Kind::topic, "g:1", "old");
  room.mode({true, 'm', ""});
  room.add(Kind::part, "g:1", "", 1);
  EXPECT_EQ(room.state.topic, "old");
  room.join("g:2", 2);
  EXPECT_EQ(room.state.topic, "");
  EXPECT_FALSE(room.state.moderated);
  EXPECT_TRUE(room.state.member(2)->op);
  EXPECT_EQ(room.state.history_from, 1U) << "it was open: whoever had come could have read it";
}

TEST(HubRoomState, AClosedRoomsHistoryIsNotForTheNextStranger) {
  Folded room;
  room.join("g:1", 1);
  room.mode({true, 'k', "secret"});
  room.add(Kind::quit, "g:1", "", 1);
  Folded again = room;
  again.join("g:1", 3);  // who was there comes back
  EXPECT_EQ(again.state.history_from, 1U);
  room.join("g:2", 2);
  EXPECT_EQ(room.state.history_from, 4U);
  EXPECT_EQ(room.state.key, "");
}

TEST(HubRoomState, ARegisteredRoomKeepsWhatItHas) {
  Folded room;
  room.join("a:ann", 1, "ann");
  room.mode({true, 'r', "ann"});
  room.add(Kind::topic, "a:ann", "kept");
  room.join("a:bob", 2, "bob");
  room.mode({true, 'o', "bob"}, 2);
  room.add(Kind::part, "a:ann", "", 1);
  room.add(Kind::part, "a:bob", "", 2);
  RoomState loaded = RoomState::load(room.state.save());
  room.state = loaded;
  room.join("g:9", 9);
  EXPECT_FALSE(room.state.member(9)->op);
  room.join("a:bob", 3, "Bob");
  EXPECT_TRUE(room.state.member(3)->op);
  EXPECT_EQ(room.state.topic, "kept");
}

TEST(HubRoomState, IsSavedAndLoaded) {
  Folded room;
  room.join("g:1", 1);
  room.add(Kind::topic, "g:1", "about \"quotes\" and 하늘");
  room.mode({true, 'b', "*!*@bad"});
  room.mode({true, 'l', "12"});
  room.mode({true, 's', ""});
  RoomState loaded = RoomState::load(room.state.save());
  EXPECT_EQ(loaded.topic, room.state.topic);
  EXPECT_EQ(loaded.bans.size(), 1U);
  EXPECT_EQ(loaded.limit, 12U);
  EXPECT_TRUE(loaded.secret);
  EXPECT_TRUE(loaded.members.empty());
  EXPECT_TRUE(loaded.was_closed) << "it had a ban when the hub ended";
  EXPECT_EQ(RoomState::load("rubbish").name, "");
}

TEST(HubRoomState, ModesOfGoneMembersAreNoMatter) {
  Folded room;
  room.mode({true, 'o', "ann"}, 77);
  EXPECT_TRUE(room.state.members.empty());
  EXPECT_TRUE(decode_modes("rubbish\n+\n+o").empty());
}

}  // namespace
}  // namespace ieum::hub
