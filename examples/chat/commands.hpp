// What a line from a member does: it is said in the room, or it is a command.
#pragma once

#include <string_view>

namespace chat {

class Hub;
class Member;

/// Does what `line` asks for. Nothing of it is trusted.
void obey(Hub& hub, Member& member, std::string_view line);

}  // namespace chat
