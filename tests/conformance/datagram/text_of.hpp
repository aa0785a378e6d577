// A datagram as a text.
#pragma once

#include <string>

#include <ieum/datagram.hpp>

namespace ieum::test {

inline std::string text_of(const Datagram& datagram) {
  return {reinterpret_cast<const char*>(datagram.data.data()), datagram.data.size()};
}

}  // namespace ieum::test
