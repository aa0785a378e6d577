// The words of a ladder: a call as its man page writes it, and what it means.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "trace/event.hpp"
#include "trace/model.hpp"

namespace ieum::cli::trace {

/// "recv()" of "recvfrom": as a program writes it.
[[nodiscard]] std::string call_word(std::string_view call);

/// "send(12) = 5", without the descriptor.
[[nodiscard]] std::string call_text(const Event& call);
/// "(waited 41 ms)" of a call that took long; else empty.
[[nodiscard]] std::string waited_text(const Event& call);

/// "FIN-WAIT-1"
[[nodiscard]] std::string state_text(SocketState state);

/// What ended at a close or a shutdown, as the states prove it.
enum class Ending : std::uint8_t { nothing, fin, reset, held, maybe_fin, maybe_reset };
[[nodiscard]] Ending ending_of(const Event& call);

/// What a row's call means, a sentence each without a full stop; most calls need none.
[[nodiscard]] std::vector<std::string> explain_call(const Event& call, const Model::Touch& touch,
                                                    Model& model);
/// The same of a receive, whose bytes come `from` these sends.
[[nodiscard]] std::vector<std::string> explain_receive(const Event& call,
                                                       const std::vector<ByteFlow::Send>& from);

/// What is to be said of a connection at the end: who closed first, what went, the longest wait.
[[nodiscard]] std::string sum_up(const Link& link, const Model& model);

/// "40.3 ms"
[[nodiscard]] std::string milliseconds(Time time);

}  // namespace ieum::cli::trace
