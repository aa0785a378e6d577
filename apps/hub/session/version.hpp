// What the hub calls itself.
#pragma once

#include <string_view>

#ifndef IEUM_VERSION
#define IEUM_VERSION "0"
#endif

namespace ieum::hub {

inline constexpr std::string_view version = "ieum-hub-" IEUM_VERSION;

}  // namespace ieum::hub
