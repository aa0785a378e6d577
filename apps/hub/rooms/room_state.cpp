// RoomState: what a room is, as its log tells.
#include "rooms/room_state.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "irc/limits.hpp"
#include "irc/text.hpp"

namespace ieum::hub {

namespace {

using Json = nlohmann::json;

Json json_of(const std::vector<MaskEntry>& list) {
  Json json = Json::array();
  for (const MaskEntry& entry : list) {
    json.push_back({entry.mask, entry.setter, entry.time.time_since_epoch().count()});
  }
  return json;
}

Time time_of(const Json& json) { return Time(std::chrono::milliseconds(json.get<std::int64_t>())); }

std::vector<MaskEntry> masks_of(const Json& json) {
  std::vector<MaskEntry> list;
  for (const Json& entry : json) {
    list.push_back(
        {entry.at(0).get<std::string>(), entry.at(1).get<std::string>(), time_of(entry.at(2))});
  }
  return list;
}

bool* flag_of(RoomState& state, char letter) noexcept {
  switch (letter) {
    case 'i': return &state.invite_only;
    case 'm': return &state.moderated;
    case 'n': return &state.members_only;
    case 's': return &state.secret;
    case 't': return &state.topic_protected;
    default: return nullptr;
  }
}

}  // namespace

// ---- The fold
// -------------------------------------------------------------------------------------

void RoomState::apply(const StoredEntry& stored) {
  const Entry& entry = stored.entry;
  switch (entry.kind) {
    case Kind::join: {
      const JoinBody body = decode_join(entry.body);
      if (created == Time{}) created = entry.time;
      const bool first = members.empty() && !registered;
      if (first) begin_anew(stored);
      if (name.empty()) name = body.room;
      Member member;
      member.identity = entry.sender;
      member.account = body.account;
      member.op = first;
      if (registered && !body.account.empty()) {
        const auto found = access.find(key_of(body.account));
        if (found != access.end()) (found->second == 'o' ? member.op : member.voice) = true;
      }
      members.insert_or_assign(entry.about, std::move(member));
      if (known.size() < known_max) known.insert(entry.sender);
      break;
    }
    case Kind::part:
    case Kind::quit:
    case Kind::kick: remove_member(entry.about); break;
    case Kind::topic:
      topic = entry.body;
      topic_setter = entry.source;
      topic_time = entry.time;
      break;
    case Kind::mode:
      for (const LoggedChange& logged : decode_modes(entry.body)) apply_mode(logged, entry);
      break;
    default: break;
  }
}

void RoomState::begin_anew(const StoredEntry& first) {
  const bool is_stranger = was_closed && !known.contains(first.entry.sender);
  RoomState fresh;
  fresh.created = first.entry.time;
  fresh.history_from = is_stranger ? first.position : history_from;
  if (!is_stranger) {
    fresh.created = created;
    fresh.known = std::move(known);
  }
  *this = std::move(fresh);
}

void RoomState::remove_member(PresenceId member) {
  if (members.erase(member) != 0 && members.empty()) emptied();
}

void RoomState::forget_members() {
  if (members.empty()) return;
  members.clear();
  emptied();
}

void RoomState::emptied() { was_closed = invite_only || !key.empty() || !bans.empty(); }

void RoomState::apply_mode(const LoggedChange& logged, const Entry& entry) {
  const auto& [adding, letter, param] = logged.change;
  if (bool* flag = flag_of(*this, letter)) {
    *flag = adding;
  } else if (letter == 'k') {
    key = adding ? param : "";
  } else if (letter == 'l') {
    limit = adding ? number_of(param, 0) : 0;
  } else if (letter == 'r') {
    registered = adding;
    founder = adding ? param : "";
    access.clear();
    if (!adding) return;
    access[founder] = 'o';
    for (const auto& [id, member] : members) {
      if (!member.account.empty() && member.op) access[key_of(member.account)] = 'o';
    }
  } else if (std::vector<MaskEntry>* masks = list(letter)) {
    std::erase_if(*masks, [&](const MaskEntry& old) { return same_name(old.mask, param); });
    if (adding) masks->push_back({param, entry.source, entry.time});
  } else if (letter == 'o' || letter == 'v') {
    const auto found = members.find(logged.member);
    if (found == members.end()) return;
    Member& member = found->second;
    (letter == 'o' ? member.op : member.voice) = adding;
    if (!registered || member.account.empty()) return;
    const std::string account = key_of(member.account);
    if (account == founder) return;  // keeps its place
    if (member.op || member.voice) {
      access[account] = member.op ? 'o' : 'v';
    } else {
      access.erase(account);
    }
  }
}

// ---- Looking at it
// --------------------------------------------------------------------------------

std::vector<MaskEntry>* RoomState::list(char letter) noexcept {
  switch (letter) {
    case 'b': return &bans;
    case 'e': return &excepted;
    case 'I': return &invited;
    default: return nullptr;
  }
}

const std::vector<MaskEntry>* RoomState::list(char letter) const noexcept {
  return const_cast<RoomState*>(this)->list(letter);
}

const RoomState::Member* RoomState::member(PresenceId id) const noexcept {
  const auto found = members.find(id);
  return found == members.end() ? nullptr : &found->second;
}

std::vector<std::string> RoomState::modes(bool with_key) const {
  std::vector<std::string> params{"+"};
  if (invite_only) params[0] += 'i';
  if (moderated) params[0] += 'm';
  if (members_only) params[0] += 'n';
  if (registered) params[0] += 'r';
  if (secret) params[0] += 's';
  if (topic_protected) params[0] += 't';
  if (!key.empty()) {
    params[0] += 'k';
    params.push_back(with_key ? key : "*");
  }
  if (limit != 0) {
    params[0] += 'l';
    params.push_back(std::to_string(limit));
  }
  return params;
}

// ---- As text
// --------------------------------------------------------------------------------------

std::string RoomState::save() const {
  Json json;
  json["name"] = name;
  json["created"] = created.time_since_epoch().count();
  json["topic"] = {topic, topic_setter, topic_time.time_since_epoch().count()};
  json["flags"] = {invite_only,     moderated,  members_only, secret,
                   topic_protected, registered, was_closed};
  json["founder"] = founder;
  json["key"] = key;
  json["limit"] = limit;
  json["bans"] = json_of(bans);
  json["excepted"] = json_of(excepted);
  json["invited"] = json_of(invited);
  json["access"] = Json::object();
  for (const auto& [account, letter] : access) json["access"][account] = std::string(1, letter);
  json["known"] = known;
  json["history_from"] = history_from;
  // A state that is not empty of people is taken up by nobody: presences end with the hub.
  json["empty"] = members.empty();
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

RoomState RoomState::load(std::string_view text) {
  RoomState state;
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) return state;
  try {
    state.name = json.at("name").get<std::string>();
    state.created = time_of(json.at("created"));
    state.topic = json.at("topic").at(0).get<std::string>();
    state.topic_setter = json.at("topic").at(1).get<std::string>();
    state.topic_time = time_of(json.at("topic").at(2));
    const Json& flags = json.at("flags");
    state.invite_only = flags.at(0).get<bool>();
    state.moderated = flags.at(1).get<bool>();
    state.members_only = flags.at(2).get<bool>();
    state.secret = flags.at(3).get<bool>();
    state.topic_protected = flags.at(4).get<bool>();
    state.registered = flags.at(5).get<bool>();
    state.was_closed = flags.at(6).get<bool>();
    state.founder = json.at("founder").get<std::string>();
    state.key = json.at("key").get<std::string>();
    state.limit = json.at("limit").get<std::size_t>();
    state.bans = masks_of(json.at("bans"));
    state.excepted = masks_of(json.at("excepted"));
    state.invited = masks_of(json.at("invited"));
    for (const auto& [account, letter] : json.at("access").items()) {
      state.access[account] = letter.get<std::string>().starts_with('o') ? 'o' : 'v';
    }
    state.known = json.at("known").get<std::set<std::string>>();
    state.history_from = json.at("history_from").get<Position>();
    if (!json.at("empty").get<bool>()) state.emptied();
  } catch (const Json::exception&) {
    return {};  // of another version, or damaged: the log has what it was made of
  }
  return state;
}

std::string encode(const JoinBody& body) {
  return body.room + "\n" + body.account + "\n" + body.realname;
}

JoinBody decode_join(std::string_view text) {
  const std::size_t first = std::min(text.find('\n'), text.size());
  const std::size_t second = std::min(text.find('\n', first + 1), text.size());
  JoinBody body;
  body.room = text.substr(0, first);
  if (first < text.size()) body.account = text.substr(first + 1, second - first - 1);
  if (second < text.size()) body.realname = text.substr(second + 1);
  return body;
}

std::string encode(const std::vector<LoggedChange>& changes) {
  std::string text;
  for (const auto& [change, member] : changes) {
    if (!text.empty()) text += '\n';
    text += change.adding ? '+' : '-';
    text += change.letter;
    text += std::to_string(member) + " " + change.param;
  }
  return text;
}

std::vector<LoggedChange> decode_modes(std::string_view text) {
  std::vector<LoggedChange> changes;
  for (const std::string_view line : split(text, '\n')) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || space < 3) continue;
    LoggedChange logged;
    logged.change.adding = line[0] == '+';
    logged.change.letter = line[1];
    logged.change.param = line.substr(space + 1);
    logged.member = number_of(line.substr(2, space - 2), 0);
    changes.push_back(std::move(logged));
  }
  return changes;
}

}  // namespace ieum::hub
