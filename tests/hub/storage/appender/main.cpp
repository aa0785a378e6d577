// A hub's storage under load, to be killed: appends until it is, and says what was acknowledged.
//   appender DATABASE ROOMS NEXT...
// There is a sender for each NEXT, which says NEXT, NEXT + 1 and so on, each with its number as its
// once-id, in one of so many rooms. A line for each acknowledgement: SENDER NUMBER ROOM POSITION.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <ieum/ieum.hpp>

#include "storage.hpp"

namespace {

using namespace ieum;
using namespace ieum::hub;

Task<> send(RoomLog& log, std::vector<RoomId> rooms, int sender, int number) {
  for (;; ++number) {
    Entry entry;
    entry.sender = "g:" + std::to_string(sender);
    entry.body = std::to_string(number);
    entry.time =
        std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const auto room = static_cast<std::size_t>(sender + number) % rooms.size();
    Appended appended = co_await log.append(rooms[room], std::to_string(number), std::move(entry));
    if (appended.outcome != Outcome::stored && appended.outcome != Outcome::duplicate) {
      std::fprintf(stderr, "not stored: %s\n", appended.reason.c_str());
      std::_Exit(1);
    }
    const std::string line = std::to_string(sender) + ' ' + std::to_string(number) + ' ' +
                             std::to_string(static_cast<std::uint64_t>(appended.id.room)) + ' ' +
                             std::to_string(appended.id.position) + '\n';
    if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) std::_Exit(1);
  }
}

Task<> send_all(RoomLog& log, int rooms, std::vector<int> next) {
  std::vector<RoomId> ids;
  for (int i = 0; i < rooms; ++i) {
    const RoomInfo room = co_await log.open(channel_key("#" + std::to_string(i)));
    ids.push_back(room.id);
  }
  auto body = [&](Group& group) -> Task<> {
    for (std::size_t i = 0; i < next.size(); ++i) {
      group.start(send(log, ids, static_cast<int>(i), next[i]));
    }
    co_return;
  };
  co_await with_group(body);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  ieum::hub::StorageOptions options;
  options.path = argv[1];
  auto storage = ieum::hub::open_storage(options);
  if (!storage) {
    std::fprintf(stderr, "%s\n", storage.error().c_str());
    return 1;
  }
  for (const std::string& notice : (*storage)->notices())
    std::fprintf(stderr, "%s\n", notice.c_str());
  std::vector<int> next;
  for (int i = 3; i < argc; ++i) next.push_back(std::atoi(argv[i]));
  return ieum::run_main(send_all((*storage)->log(), std::atoi(argv[2]), std::move(next)));
}
