// ieum-hub: a chat server for IRC clients whose messages are kept, in order, once.
#include <string>
#include <vector>

#include "load/load.hpp"
#include "serve.hpp"

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words.front() == "load") {
    words.erase(words.begin());
    return ieum::hub::load_program(std::move(words));
  }
  if (const std::optional<int> status = ieum::hub::storage_program(words)) return *status;
  return ieum::hub::serve_program(std::move(words));
}
