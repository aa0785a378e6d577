// A program outside the project, built against the installed library.
#include <chrono>
#include <ieum/ieum.hpp>

int main() {
  auto slept = ieum::run(ieum::sleep(std::chrono::milliseconds(1)));
  return slept.has_value() ? 0 : 1;
}
