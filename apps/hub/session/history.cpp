// CHATHISTORY (draft/chathistory), and the replay for those who cannot ask.
#include "session/history.hpp"

#include <algorithm>

#include "irc/limits.hpp"
#include "irc/names.hpp"
#include "irc/text.hpp"
#include "session/commands.hpp"
#include "session/markers.hpp"
#include "session/message_entry.hpp"
#include "session/session.hpp"

namespace ieum::hub {

namespace {

constexpr Kinds texts(Kind::message, Kind::notice);
constexpr Kinds events(Kind::message, Kind::notice, Kind::tags, Kind::topic);

/// A conversation that history is asked of.
struct Conversation {
  RoomId room = RoomId::none;
  Position from = 1;  // what was before is not for this client
};

/// A place in it, as a client names it: between two entries, or at one.
struct Place {
  Position after = 0;   // what follows it begins behind this
  Position before = 0;  // what goes before it ends here
  Position at = 0;
};

/// An answer to a question that cannot be answered.
struct Refusal {
  std::string_view code;
  std::string text;
};

Task<std::optional<Conversation>> find_conversation(Session& session, std::string target) {
  Conversation found;
  if (looks_like_channel(target)) {
    const Room* room = session.hub.find_room(target);
    if (room == nullptr || !room->has(*session.user)) co_return std::nullopt;
    found.room = room->id;
    found.from = room->state.history_from;
    co_return found;
  }
  std::string other = co_await identity_of_nick(session, target);
  if (other.empty()) co_return std::nullopt;
  std::string key = direct_key(session.identity(), other);
  std::optional<RoomInfo> info = co_await session.hub.log().find(std::move(key));
  if (info) found.room = info->id;  // else nothing was ever said
  co_return found;
}

/// What a reference means in the conversation; a refusal if it means nothing there.
Task<std::expected<Place, Refusal>> find_place(Session& session, RoomId room,
                                               std::string reference) {
  Place place;
  if (reference.starts_with("timestamp=")) {
    const std::optional<Time> time = parse_time(std::string_view(reference).substr(10));
    if (!time) {
      co_return std::unexpected(Refusal{"INVALID_PARAMS", "That is no timestamp"});
    }
    place.at = place.before = co_await session.hub.log().position_at(room, *time);
    const Position next =
        co_await session.hub.log().position_at(room, *time + std::chrono::milliseconds(1));
    place.after = next - 1;
    co_return place;
  }
  if (!reference.starts_with("msgid=")) {
    co_return std::unexpected(
        Refusal{"INVALID_MSGREFTYPE", "References are msgid=… or timestamp=…"});
  }
  const std::optional<MessageId> id = MessageId::parse(std::string_view(reference).substr(6));
  if (!id || id->room != room) {
    co_return std::unexpected(Refusal{"MESSAGE_ERROR", "There is no such message there"});
  }
  if (id->epoch != session.hub.log().epoch()) {
    co_return std::unexpected(
        Refusal{"GAP",
                "That id is from before the history was restored: what came after it may "
                "be lost. Ask by a timestamp"});
  }
  place.after = place.before = place.at = id->position;
  co_return place;
}

void refuse(Session& session, const Message& message, std::string_view code, std::string text) {
  std::vector<std::string> params{"CHATHISTORY", std::string(code)};
  const std::size_t shown_max = code == "INVALID_TARGET" ? 2 : 4;
  for (std::size_t i = 0; i < std::min(message.params.size(), shown_max); ++i) {
    const std::string& param = message.params[i];
    const bool good = !param.empty() && !param.starts_with(':') && !param.contains(' ');
    params.push_back(good ? param : "*");
  }
  params.push_back(std::move(text));
  session.reply("FAIL", std::move(params), true);
}

/// The entries that may be seen, as lines of a batch.
void send_page(Session& session, const std::string& target, const Conversation& in,
               const Page& page) {
  const bool batched = session.caps.has(Cap::batch);
  std::string reference;
  if (batched) reference = session.begin_batch({"chathistory", target});
  for (const StoredEntry& stored : page.entries) {
    if (stored.position < in.from) continue;
    if (stored.entry.kind == Kind::tags && !session.caps.has(Cap::message_tags)) continue;
    MessageEntry message = decode_message(stored);
    if (stored.entry.kind == Kind::topic) message.to = target;
    const Outgoing line =
        outgoing_of(message, stored.entry, session.hub.message_id(stored.room, stored.position));
    Tags tags = line.tags(session.caps);
    if (batched) tags.insert(tags.begin(), {"batch", reference});
    session.answer(std::move(tags), line.line());
  }
  if (batched) session.end_batch(reference);
}

struct Question {
  std::string subcommand;
  std::string target;
  std::string first;
  std::string second;  // of BETWEEN
  std::size_t limit = 0;
};

/// Nothing, and the client is told, if the parameters are none.
std::optional<Question> question_of(Session& session, const Message& message) {
  Question question;
  question.subcommand = upper(message.param(0));
  const bool two = question.subcommand == "BETWEEN" || question.subcommand == "TARGETS";
  constexpr std::array<std::string_view, 6> known{"LATEST", "BEFORE",  "AFTER",
                                                  "AROUND", "BETWEEN", "TARGETS"};
  if (std::ranges::find(known, question.subcommand) == known.end()) {
    refuse(session, message, "INVALID_PARAMS", "Unknown subcommand");
    return std::nullopt;
  }
  const bool targets = question.subcommand == "TARGETS";
  const std::size_t wanted = two && !targets ? 5 : 4;
  if (message.params.size() < wanted) {
    refuse(session, message, "INVALID_PARAMS", "Insufficient parameters");
    return std::nullopt;
  }
  if (!targets) question.target = message.param(1);
  question.first = message.param(targets ? 1 : 2);
  if (two) question.second = message.param(targets ? 2 : 3);
  question.limit = number_of(message.params[wanted - 1], 0);
  if (question.limit == 0) {
    refuse(session, message, "INVALID_PARAMS", "The limit is a number from 1 on");
    return std::nullopt;
  }
  question.limit = std::min(question.limit, limits::history_messages);
  return question;
}

/// Name of a conversation for this client; empty: nobody's name is known.
std::string name_of(Session& session, const Target& target) {
  if (const Room* room = session.hub.find_room(target.id)) return room->name();
  const std::optional<DirectPair> pair = direct_pair(target.key);
  if (!pair) return {};
  const std::string& other = pair->first == session.identity() ? pair->second : pair->first;
  const std::vector<User*> users = session.hub.users_of(other);
  if (!users.empty()) return users.front()->nick;
  return other.starts_with("a:") ? other.substr(2) : std::string();
}

Task<> list_targets(Session& session, Question question) {
  const auto time_of = [](const std::string& text) {
    return text.starts_with("timestamp=") ? parse_time(std::string_view(text).substr(10))
                                          : std::nullopt;
  };
  const std::optional<Time> from = time_of(question.first);
  const std::optional<Time> to = time_of(question.second);
  if (!from || !to) {
    session.fail("CHATHISTORY", "INVALID_PARAMS", {"TARGETS"}, "Give two timestamps");
    co_return;
  }
  std::vector<RoomId> rooms;
  for (const Room* room : session.user->rooms) rooms.push_back(room->id);
  std::vector<Target> targets = co_await session.hub.log().targets(
      std::move(rooms), session.identity(), *from, *to, question.limit);
  const bool batched = session.caps.has(Cap::batch);
  std::string reference;
  if (batched) reference = session.begin_batch({"draft/chathistory-targets"});
  for (const Target& target : targets) {
    const std::string name = name_of(session, target);
    if (name.empty()) continue;
    const Outgoing line(session.hub.time(), session.hub.config().name, "CHATHISTORY",
                        {"TARGETS", name, format_time(target.latest)});
    Tags tags;
    if (batched) tags.push_back({"batch", reference});
    session.answer(std::move(tags), line.line());
  }
  if (batched) session.end_batch(reference);
}

Task<Page> read(Session& session, const Question& question, const Conversation& in,
                const Place& first, const Place& second) {
  RoomLog& log = session.hub.log();
  Window window;
  window.room = in.room;
  window.limit = question.limit;
  window.kinds = session.caps.has(Cap::event_playback) ? events : texts;
  if (in.room == RoomId::none) co_return Page{};
  const Position floor = in.from - 1;
  if (question.subcommand == "BEFORE") co_return co_await log.before(window, first.before);
  if (question.subcommand == "AFTER") {
    co_return co_await log.after(window, std::max(first.after, floor));
  }
  if (question.subcommand == "AROUND") co_return co_await log.around(window, first.at);
  if (question.subcommand == "LATEST") {
    const Position after = question.first == "*" ? 0 : first.after;
    co_return co_await log.latest(window, std::max(after, floor));
  }
  const bool forwards = first.at <= second.at;
  if (forwards) {
    co_return co_await log.between(window, std::max(first.after, floor), second.before);
  }
  co_return co_await log.between(window, first.before, std::max(second.after, floor));
}

/// What was said between the two to one who missed it; the newest, and a word on what is left out.
Task<> replay(Session& session, RoomId room, Position after, Position before, std::string name) {
  if (before <= after + 1) co_return;
  Window window;
  window.room = room;
  window.limit = limits::replay_messages + 1;
  window.kinds = texts;
  Page page = co_await session.hub.log().between(window, before, after);
  if (page.entries.size() > limits::replay_messages) {
    page.entries.erase(page.entries.begin());
    session.reply(
        "NOTICE",
        {looks_like_channel(name) ? name : session.nick(),
         "*** You missed more than these " + std::to_string(limits::replay_messages) + " messages"},
        true);
  }
  for (const StoredEntry& stored : page.entries) {
    const Outgoing line = outgoing_of(decode_message(stored), stored.entry,
                                      session.hub.message_id(stored.room, stored.position));
    session.answer(line);
  }
}

bool needs_replay(const Session& session) {
  return session.caps.has(Cap::server_time) && !session.caps.has(Cap::chathistory);
}

Task<> replay_directs(Session& session, Time since, Time until) {
  Hub& hub = session.hub;
  std::string identity = session.identity();
  std::vector<Target> targets =
      co_await hub.log().targets({}, std::move(identity), since - std::chrono::milliseconds(1),
                                 hub.time() + std::chrono::milliseconds(1), 50);
  for (const Target& target : targets) {
    const Position from = co_await hub.log().position_at(target.id, since);
    const Position to = co_await hub.log().position_at(target.id, until);
    std::string name = name_of(session, target);
    co_await replay(session, target.id, from - 1, to, std::move(name));
  }
}

}  // namespace

Task<> replay_what_was_missed(Session& session, bool with_rooms) {
  if (!needs_replay(session)) co_return;
  Hub& hub = session.hub;
  const Time until = hub.time() + std::chrono::milliseconds(1);
  if (with_rooms && session.user->devices == 1) {
    session.missed_since = session.user->seen;
  } else if (!session.user->account.empty()) {
    session.missed_since = co_await hub.accounts().marker(session.identity(), "\nseen");
  }
  if (!session.missed_since) co_return;
  const Time since = *session.missed_since;
  if (with_rooms) {
    std::vector<std::pair<RoomId, Position>> rooms;
    for (const Room* room : session.user->rooms) rooms.emplace_back(room->id, room->applied + 1);
    for (const auto& [room, before] : rooms) {
      const Position from = co_await hub.log().position_at(room, since);
      const Room* found = hub.find_room(room);
      if (found == nullptr) continue;
      const Position after = std::max(from, found->state.history_from) - 1;
      std::string name = found->name();
      co_await replay(session, room, after, before, std::move(name));
    }
  }
  co_await replay_directs(session, since, until);
}

Task<> replay_room(Session& session, RoomId room, Position before) {
  if (!needs_replay(session) || !session.missed_since) co_return;
  const Position from = co_await session.hub.log().position_at(room, *session.missed_since);
  const Room* found = session.hub.find_room(room);
  if (found == nullptr) co_return;
  const Position after = std::max(from, found->state.history_from) - 1;
  std::string name = found->name();
  co_await replay(session, room, after, before, std::move(name));
}

Task<> do_chathistory(Session& session, Message message) {
  const std::optional<Question> question = question_of(session, message);
  if (!question) co_return;
  if (question->subcommand == "TARGETS") {
    co_await list_targets(session, *question);
    co_return;
  }
  const std::optional<Conversation> in = co_await find_conversation(session, question->target);
  if (!in) {
    refuse(session, message, "INVALID_TARGET", "Messages could not be retrieved");
    co_return;
  }
  std::array<Place, 2> places{};
  const std::array<std::string, 2> references{question->first, question->second};
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (references[i].empty() && i == 1) continue;
    if (references[i] == "*" && question->subcommand == "LATEST") continue;
    std::expected<Place, Refusal> place = co_await find_place(session, in->room, references[i]);
    if (!place) {
      refuse(session, message, place.error().code, place.error().text);
      co_return;
    }
    places[i] = *place;
  }
  const Page page = co_await read(session, *question, *in, places[0], places[1]);
  const bool onwards = question->subcommand == "AFTER" ||
                       (question->subcommand == "LATEST" && question->first != "*");
  if (onwards && in->room != RoomId::none && places[0].after + 1 < page.first) {
    session.standard_reply("WARN", "CHATHISTORY", "GAP", {question->subcommand, question->target},
                           "Older messages than these are no longer kept");
  }
  send_page(session, question->target, *in, page);
}

}  // namespace ieum::hub
