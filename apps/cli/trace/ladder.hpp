// Ladder: draws events, in order and at once. What it writes depends on the events alone, so that a
// recording gives the same bytes each time, and those that were seen live.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trace/calls.hpp"
#include "trace/event.hpp"
#include "trace/model.hpp"
#include "trace/row.hpp"

namespace ieum::cli::trace {

class Ladder {
 public:
  /// Of so many connections the end says what became of them.
  static constexpr std::size_t summed_up_max = 20;

  /// `write` takes whole lines.
  Ladder(bool ascii, std::function<void(std::string_view)> write)
      : ascii_(ascii), write_(std::move(write)) {}

  void take(const Event& event);
  /// It is this late: what was held back to be joined with a later event is written.
  void pass(Time now);

 private:
  /// The columns at the time of a row: before it is written others may stand in them.
  struct Heading {
    std::vector<int> order;
    std::vector<std::string> titles;

    bool operator==(const Heading&) const = default;
  };
  /// A row that is not written yet: a receive of what it sent may join it.
  struct Held {
    Row row;
    Heading heading{};
    const Link* link = nullptr;  ///< of a send; none: nothing can join
    std::size_t side = 0;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::uint64_t datagram = 0;  ///< of one that was sent: its number
  };

  void take_call(const Event& call);
  void take_waiting(const Event& call);
  void take_state(const Event& event);
  void take_stall(const Event& event);
  void take_exit(const Event& event);
  void take_end();

  void add_transfer(Row& row, const Event& call, const Model::Touch& touch, Held& held);
  bool add_receive(Row& row, const Event& call, const Model::Touch& touch);
  bool add_datagram(Row& row, const Event& call, const Model::Touch& touch);
  bool join(const Event& call, const Model::Touch& touch, const Row& row);
  void add_arrow(Row& row, const Event& call, const Model::Touch& touch);
  void show_states(Row& row, const Event& call, const Model::Touch& touch);
  void note_wait(const Event& call, const Model::Touch& touch);
  void note_ending(const Event& call, const Model::Touch& touch);
  void note_evidence(const Event& call, const Model::Touch& touch, CallKind kind);
  [[nodiscard]] std::string text_of(const Event& call, const Model::Touch& touch);

  void hold(Held held);
  void flush();
  [[nodiscard]] Heading heading();

  bool ascii_;
  std::function<void(std::string_view)> write_;
  Model model_;
  std::optional<Held> held_;
  Heading shown_;  // the one that stands above
};

}  // namespace ieum::cli::trace
