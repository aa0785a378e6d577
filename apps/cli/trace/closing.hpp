// Closing: which end of a connection finished first, as far as what was seen decides it. When calls
// of two processes were entered and had returned does not: what a call does happens somewhere in
// between.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "trace/event.hpp"

namespace ieum::cli::trace {

class Closing {
 public:
  struct Verdict {
    /// The end that finished first; none: both did at the same time, or it cannot be known.
    std::optional<std::size_t> first{};
    Time at{};      ///< when it was called; of an end that is not traced, when its end was noticed
    Time within{};  ///< of both: from the first call's entry to the last one's return
    bool have_crossed = false;  ///< each end sent its FIN before the other's came
  };

  /// A call that finishes this end was entered and has returned. Later ones do not count.
  void ended(std::size_t side, const Span& call);
  /// An end that is in FIN-WAIT or TIME-WAIT has sent its FIN before the other's came, one in
  /// CLOSE-WAIT or LAST-ACK after it.
  void saw_state(std::size_t side, SocketState state, Time at);
  /// This end was told that the other has finished: its recv() gave 0, or its send() EPIPE.
  void saw_peer_end(std::size_t side, Time at);

  /// None: neither end has finished.
  [[nodiscard]] std::optional<Verdict> verdict() const;

 private:
  struct End {
    std::optional<Span> call{};
    bool was_before = false;         ///< its FIN went before the other's came
    std::optional<Time> heard_at{};  ///< that the other end has finished, and itself had not
  };
  [[nodiscard]] Verdict of_first(std::size_t side) const;
  [[nodiscard]] Verdict of_both() const;

  std::array<End, 2> ends_{};
};

}  // namespace ieum::cli::trace
