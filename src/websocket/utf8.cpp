// An automaton over classes of bytes: eight at a time where all are ASCII.
#include "websocket/utf8.hpp"

#include <array>

namespace ieum::websocket::detail {

namespace {

// What is expected next.
enum State : std::uint8_t {
  whole,     // a character
  one,       // one more byte, 80..BF
  two,       // two
  three,     // three
  after_e0,  // A0..BF, then one: no longer form than need be
  after_ed,  // 80..9F, then one: no surrogate
  after_f0,  // 90..BF, then two
  after_f4,  // 80..8F, then two: nothing above U+10FFFF
  invalid,
  states,
};

// The classes of bytes that the states tell apart.
enum Class : std::uint8_t {
  ascii,
  low,     // 80..8F
  middle,  // 90..9F
  high,    // A0..BF
  lead2,   // C2..DF
  e0,
  lead3,  // E1..EC, EE, EF
  ed,
  f0,
  lead4,  // F1..F3
  f4,
  never,  // C0, C1, F5..FF
  classes,
};

consteval std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> of{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    if (byte < 0x80)
      of[byte] = ascii;
    else if (byte < 0x90)
      of[byte] = low;
    else if (byte < 0xA0)
      of[byte] = middle;
    else if (byte < 0xC0)
      of[byte] = high;
    else if (byte < 0xC2)
      of[byte] = never;
    else if (byte < 0xE0)
      of[byte] = lead2;
    else if (byte == 0xE0)
      of[byte] = e0;
    else if (byte == 0xED)
      of[byte] = ed;
    else if (byte < 0xF0)
      of[byte] = lead3;
    else if (byte == 0xF0)
      of[byte] = f0;
    else if (byte < 0xF4)
      of[byte] = lead4;
    else if (byte == 0xF4)
      of[byte] = f4;
    else
      of[byte] = never;
  }
  return of;
}

consteval std::array<std::array<std::uint8_t, classes>, states> make_steps() {
  std::array<std::array<std::uint8_t, classes>, states> steps{};
  for (auto& row : steps) row.fill(invalid);
  auto& from_whole = steps[whole];
  from_whole[ascii] = whole;
  from_whole[lead2] = one;
  from_whole[e0] = after_e0;
  from_whole[lead3] = two;
  from_whole[ed] = after_ed;
  from_whole[f0] = after_f0;
  from_whole[lead4] = three;
  from_whole[f4] = after_f4;
  for (const Class any : {low, middle, high}) {
    steps[one][any] = whole;
    steps[two][any] = one;
    steps[three][any] = two;
  }
  steps[after_e0][high] = one;
  steps[after_ed][low] = one;
  steps[after_ed][middle] = one;
  steps[after_f0][middle] = two;
  steps[after_f0][high] = two;
  steps[after_f4][low] = two;
  return steps;
}

constexpr std::array<std::uint8_t, 256> class_of = make_classes();
constexpr std::array<std::array<std::uint8_t, classes>, states> steps = make_steps();

}  // namespace

bool Utf8::add(ConstBuffer bytes) noexcept {
  const std::byte* at = bytes.data();
  const std::byte* const end = at + bytes.size();
  std::uint8_t state = state_;
  while (at != end) {
    if (state == whole && end - at >= 8) {
      std::uint64_t eight = 0;
      std::memcpy(&eight, at, 8);
      if ((eight & 0x8080808080808080U) == 0) {
        at += 8;
        continue;
      }
    }
    state = steps[state][class_of[std::to_integer<std::size_t>(*at++)]];
    if (state == invalid) break;
  }
  state_ = state;
  return state != invalid;
}

}  // namespace ieum::websocket::detail
