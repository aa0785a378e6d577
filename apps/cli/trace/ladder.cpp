#include "trace/ladder.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include <ieum/printable.hpp>

#include "trace/calls.hpp"
#include "trace/sentences.hpp"
#include "trace/width.hpp"

namespace ieum::cli::trace {

namespace {

/// A send and a receive within it may share a row.
constexpr Time together_max = std::chrono::milliseconds(1);
constexpr std::string_view sender_note = "from ";  // of a datagram

/// Rows that would say nothing: what did not wait and did not do anything.
bool is_silent(const Event& call, CallKind kind) {
  if (kind == CallKind::set_option) return call.option.empty() || call.option == "SO_ERROR";
  if (kind == CallKind::get_option) return call.option != "SO_ERROR";
  const bool waits_for_others = kind == CallKind::receive || kind == CallKind::accept;
  return waits_for_others && call.result == -EAGAIN;
}

std::string data_label(const Event& call) {
  const std::string data = printable(call.data);
  return data.empty() ? fmt::format("{} B", call.result)
                      : fmt::format("{} B \"{}\"", call.result, data);
}

}  // namespace

void Ladder::take(const Event& event) {
  switch (event.kind) {
    case EventKind::begin:
    case EventKind::start:
    case EventKind::exec:
    case EventKind::fork: model_.programs().take(event); break;
    case EventKind::call: take_call(event); break;
    case EventKind::waiting: take_waiting(event); break;
    case EventKind::state: take_state(event); break;
    case EventKind::stall:
    case EventKind::note: take_stall(event); break;
    case EventKind::name: model_.name(event.address, printable(event.text)); break;
    case EventKind::exit:
      take_exit(event);
      model_.programs().take(event);
      break;
    case EventKind::end: take_end(); break;
  }
}

void Ladder::pass(Time now) {
  if (held_ && now - held_->row.at > together_max) flush();
}

// ---- Calls -------------------------------------------------------------------------------------

void Ladder::take_call(const Event& call) {
  const Call* known = find_call(call.call);
  const bool at_exit = call.call == "exit";
  if (known == nullptr && !at_exit) return;
  CallKind kind = at_exit ? CallKind::close : known->kind;
  if (is_silent(call, kind)) return;
  const Model::Touch touch = model_.touch(call);
  Held held{.row = {.at = call.at}};
  Row& row = held.row;
  Row::Cell& own = row.cell(touch.column, touch.peer_column);
  own.text = text_of(call, touch);
  own.fd = at_exit ? -1 : call.fd;
  if (call.result == -EINPROGRESS) own.notes.emplace_back("(EINPROGRESS: it does not wait)");
  const std::string host = kind == CallKind::connect ? model_.host_of(call.address) : "";
  if (!host.empty()) own.notes.push_back(fmt::format("({})", host));
  if (is_datagram(call) && kind == CallKind::receive && !call.address.empty()) {
    own.notes.push_back(std::string(sender_note) + printable(call.address));
  }
  const std::string waited = waited_text(call);
  if (!waited.empty()) own.notes.push_back(waited);
  row.below = explain_call(call, touch, model_);
  note_wait(call, touch);
  note_evidence(call, touch, kind);
  if (kind == CallKind::send && call.result >= 0) {
    add_transfer(row, call, touch, held);
  } else if (kind == CallKind::receive && call.result >= 0) {
    if (add_receive(row, call, touch)) return;
  } else {
    if (kind == CallKind::send && touch.link != nullptr) {
      touch.link->ends[touch.side].out.failed(call.tid);
    }
    add_arrow(row, call, touch);
  }
  if (kind == CallKind::listen && call.result == 0) {
    row.cell(touch.column, touch.peer_column).state = "LISTEN";
  }
  show_states(row, call, touch);
  hold(std::move(held));
}

std::string Ladder::text_of(const Event& call, const Model::Touch& touch) {
  const std::string label = model_.programs().label_of(call.pid, call.tid);
  if (call.call == "exit") {
    return fmt::format("{}the end closes [{}]", label, touch.socket->fd);
  }
  const Call* known = find_call(call.call);
  std::string text = label + call_text(call);
  if (known != nullptr && known->kind == CallKind::accept && call.result >= 0 &&
      !call.other_peer.empty()) {
    text += " from " + printable(call.other_peer);
  }
  return text;
}

void Ladder::add_transfer(Row& row, const Event& call, const Model::Touch& touch, Held& held) {
  row.from = touch.column;
  row.to = touch.peer_column;
  row.label = data_label(call);
  if (is_datagram(call)) {
    held.datagram = model_.datagram_sent(call, call.address.empty() ? call.peer : call.address);
    return;
  }
  if (touch.link == nullptr) return;
  Link& link = *touch.link;
  // Less than any segment is held back: no window is full.
  constexpr std::uint64_t small = 536;
  const bool was_held_back = call.states.unsent > 0 && call.states.unsent < small;
  const ByteFlow::Send& send = link.ends[touch.side].out.sent(
      call.at, call.tid, static_cast<std::uint64_t>(call.result), was_held_back);
  if (!link.is_whole) return;
  held.link = &link;
  held.side = touch.side;
  held.begin = send.begin;
  held.end = send.end;
}

/// True: it has joined the row of its send.
bool Ladder::add_receive(Row& row, const Event& call, const Model::Touch& touch) {
  Row::Cell& cell = row.cell(touch.column, touch.peer_column);
  if (is_datagram(call)) return add_datagram(row, call, touch);
  if (call.result == 0) {
    const bool by_itself =
        touch.link != nullptr && touch.link->ends[touch.side].has_stopped_receiving;
    if (call.asked != 0) {
      cell.text += by_itself ? ": it was shut down for receiving" : ": the peer has finished";
    }
    return false;
  }
  if (touch.link == nullptr) return false;
  Link& link = *touch.link;
  ByteFlow& flow = link.ends[1 - touch.side].out;
  const std::uint64_t begin = flow.received_bytes();
  const auto bytes = static_cast<std::uint64_t>(call.result);
  const std::vector<ByteFlow::Send> from = flow.received(bytes, call.peeks);
  const bool is_traced = link.ends[1 - touch.side].socket != 0;
  if (!is_traced) {
    row.from = touch.peer_column;
    row.to = touch.column;
    row.label = data_label(call);
  }
  if (!is_traced || !link.is_whole) return false;
  if (from.size() > 1) {
    cell.notes.insert(cell.notes.begin(), fmt::format("← {} sends in one", from.size()));
  } else if (from.size() == 1 && (from[0].begin < begin || from[0].end > begin + bytes)) {
    cell.notes.insert(cell.notes.begin(), "← a part of one send");
  }
  const std::vector<std::string> said = explain_receive(call, from);
  row.below.insert(row.below.end(), said.begin(), said.end());
  const bool joins = held_ && held_->link == &link && held_->side != touch.side &&
                     held_->begin == begin && held_->end == begin + bytes;
  return joins && join(call, touch, row);
}

/// What was received joins the row of its send, unless there is more to say or time between them.
bool Ladder::join(const Event& call, const Model::Touch& touch, const Row& row) {
  if (call.peeks || call.at - held_->row.at >= together_max || !row.below.empty()) return false;
  const Row::Cell& joining = row.cells.front();
  Row::Cell& theirs = held_->row.cell(touch.column, held_->row.from);
  if (!theirs.text.empty()) return false;
  theirs.text = joining.text;
  theirs.fd = joining.fd;
  theirs.notes = joining.notes;
  // The arrow comes from there.
  std::erase_if(theirs.notes, [](const auto& note) { return note.starts_with(sender_note); });
  show_states(held_->row, call, touch);
  // Nothing else joins.
  held_->link = nullptr;
  held_->datagram = 0;
  held_->heading = heading();
  return true;
}

bool Ladder::add_datagram(Row& row, const Event& call, const Model::Touch& touch) {
  const auto datagram = model_.datagram_received(call);
  if (datagram && datagram->bytes > call.result) {
    row.below.push_back(
        fmt::format("the datagram had {} bytes, and the buffer had room for {}: the rest is lost",
                    datagram->bytes, call.result));
  } else if (call.truncated) {
    row.below.push_back(fmt::format(
        "the datagram was longer than the buffer, {} bytes: the rest is lost", call.result));
  }
  if (datagram) {
    return held_ && held_->datagram == datagram->number && join(call, touch, row);
  }
  row.from = touch.peer_column;
  row.to = touch.column;
  row.label = data_label(call);
  return false;
}

/// What the states prove to have gone over the connection.
void Ladder::add_arrow(Row& row, const Event& call, const Model::Touch& touch) {
  const Call* known = find_call(call.call);
  const CallKind kind = known == nullptr ? CallKind::close : known->kind;
  if (kind == CallKind::connect && call.protocol == "tcp" && touch.peer_column >= 0) {
    const bool is_done =
        call.states.own == SocketState::established || call.states.own == SocketState::close_wait;
    row.from = touch.column;
    row.to = touch.peer_column;
    row.is_inferred = true;
    row.label = is_done                        ? "SYN, SYN+ACK, ACK"
                : call.result == -ECONNREFUSED ? "SYN; RST comes back"
                                               : "SYN";
    if (call.result < 0 && call.result != -ECONNREFUSED && call.result != -EINPROGRESS &&
        call.result != -ETIMEDOUT) {
      row.from = -1;
    }
    return;
  }
  const bool ends =
      kind == CallKind::close || kind == CallKind::duplicate || kind == CallKind::shut_down;
  if (!ends) return;
  if (touch.socket != nullptr && touch.socket->listens && kind != CallKind::shut_down) {
    row.cell(touch.column, touch.peer_column).text += " the listener";
  }
  const Ending ending = ending_of(call);
  const bool by_peer = ending == Ending::maybe_reset && touch.link != nullptr &&
                       touch.link->ends[1 - touch.side].was_reset;
  const bool resets = ending == Ending::reset || (ending == Ending::maybe_reset && !by_peer);
  if (resets || ending == Ending::fin || ending == Ending::maybe_fin) {
    row.from = touch.column;
    row.to = touch.peer_column;
    row.label = resets ? "RST" : "FIN";
    row.is_inferred = ending == Ending::maybe_fin || ending == Ending::maybe_reset;
  }
  note_ending(call, touch);
}

void Ladder::note_ending(const Event& call, const Model::Touch& touch) {
  if (touch.link == nullptr || call.result < 0) return;
  Link& link = *touch.link;
  Link::End& own = link.ends[touch.side];
  const Ending ending = ending_of(call);
  if (call.call == "shutdown") {
    constexpr int receiving_only = 0;
    constexpr int sending_only = 1;
    own.has_shut_down = own.has_shut_down || call.value != receiving_only;
    own.has_stopped_receiving = own.has_stopped_receiving || call.value != sending_only;
  } else if (!call.is_held) {
    own.is_closed = true;
  }
  if (ending == Ending::reset) {
    own.was_reset = true;
    own.unread = call.states.unread;
  }
  const bool is_unix_end = call.protocol == "unix" && (own.is_closed || own.has_shut_down);
  const bool ends = ending == Ending::fin || ending == Ending::reset ||
                    ending == Ending::maybe_fin || ending == Ending::maybe_reset || is_unix_end;
  if (ends) link.closing.ended(touch.side, span_of(call));
}

/// What a call tells of who has finished first.
void Ladder::note_evidence(const Event& call, const Model::Touch& touch, CallKind kind) {
  if (touch.link == nullptr) return;
  Closing& closing = touch.link->closing;
  const Link::End& own = touch.link->ends[touch.side];
  const PairStates& states = call.states;
  if (states.before) closing.saw_state(touch.side, *states.before, span_of(call).begin);
  if (states.own) closing.saw_state(touch.side, *states.own, call.at);
  if (states.peer) closing.saw_state(1 - touch.side, *states.peer, call.at);
  const bool got_end = kind == CallKind::receive && call.result == 0 && call.asked != 0 &&
                       !own.has_stopped_receiving;
  const bool may_not_send = kind == CallKind::send && call.result == -EPIPE && !own.has_shut_down;
  if (got_end || may_not_send) closing.saw_peer_end(touch.side, call.at);
}

void Ladder::show_states(Row& row, const Event& call, const Model::Touch& touch) {
  if (touch.link == nullptr || call.protocol != "tcp") return;
  const auto show = [&](std::size_t side, const std::optional<SocketState>& state, int column,
                        int facing) {
    Link::End& end = touch.link->ends[side];
    if (!state || end.state == state || column < 0) return;
    end.state = state;
    row.cell(column, facing).state = state_text(*state);
  };
  const bool within = touch.peer_column == touch.column;
  show(touch.side, call.states.own, touch.column, touch.peer_column);
  if (within) {
    // One column: the arrow's label has room for the other end's.
    Link::End& peer = touch.link->ends[1 - touch.side];
    if (call.states.peer && peer.state != call.states.peer) {
      peer.state = call.states.peer;
      if (row.from >= 0) row.label += ": " + state_text(*call.states.peer);
    }
    return;
  }
  show(1 - touch.side, call.states.peer, touch.peer_column, touch.column);
}

void Ladder::note_wait(const Event& call, const Model::Touch& touch) {
  const Call* known = find_call(call.call);
  const bool counts =
      known != nullptr && (known->kind == CallKind::receive || known->kind == CallKind::send ||
                           known->kind == CallKind::connect);
  if (touch.link == nullptr || !counts || call.took <= touch.link->longest_wait) return;
  touch.link->longest_wait = call.took;
  touch.link->waiting_end = static_cast<int>(touch.side);
  touch.link->waited_until = span_of(call).end;
}

// ---- Other events ------------------------------------------------------------------------------

void Ladder::take_waiting(const Event& call) {
  const Call* known = find_call(call.call);
  if (known == nullptr) return;
  const Model::Touch touch = model_.touch(call);
  std::string text = model_.programs().label_of(call.pid, call.tid);
  if (known->kind == CallKind::connect) {
    text += fmt::format("connect({}) waits", printable(call.address));
  } else {
    std::string word = call_word(call.call);
    word.resize(word.size() - 2);
    text += fmt::format("{}({}) waits", word, call.asked < 0 ? "" : std::to_string(call.asked));
    if (touch.link != nullptr) {
      touch.link->ends[touch.side].out.begin_send(call.at, call.tid, call.asked);
    }
  }
  Held held{.row = {.at = call.at}};
  Row::Cell& cell = held.row.cell(touch.column, touch.peer_column);
  cell.text = text;
  cell.fd = call.fd;
  if (call.states.own && touch.link == nullptr) cell.state = state_text(*call.states.own);
  hold(std::move(held));
}

void Ladder::take_state(const Event& event) {
  const auto [link, side] = model_.find_link(event.local, event.peer);
  if (link == nullptr || !event.states.own || link->ends[side].state == event.states.own) return;
  Link::End& end = link->ends[side];
  end.state = event.states.own;
  link->closing.saw_state(side, *event.states.own, event.at);
  const int column = model_.column_of(end);
  if (column < 0) return;
  // The last state, seconds after all is over, is worth no row.
  if (*event.states.own == SocketState::closed && end.is_closed) return;
  Held held{.row = {.at = event.at}};
  held.row.cell(column, model_.column_of(link->ends[1 - side])).state =
      state_text(*event.states.own);
  hold(std::move(held));
}

void Ladder::take_stall(const Event& event) {
  Held held{.row = {.at = event.at}};
  const int column = model_.programs().column_of(event.pid);
  std::string text = model_.programs().label_of(event.pid, event.tid);
  if (event.kind == EventKind::note) {
    text += "note";
  } else {
    text += event.call.empty() ? "nothing happens" : call_word(event.call) + " waits";
  }
  const auto [link, side] = model_.find_link(event.local, event.peer);
  const int facing = link == nullptr ? -1 : model_.column_of(link->ends[1 - side]);
  Row::Cell& cell = held.row.cell(column, facing);
  cell.text = text;
  cell.fd = event.fd;
  held.row.below.push_back(printable(event.text));
  hold(std::move(held));
}

void Ladder::take_exit(const Event& event) {
  if (!model_.programs().has_column(event.pid)) return;
  const int column = model_.programs().column_of(event.pid);
  const std::string label = model_.programs().label_of(event.pid, event.pid);
  Held held{.row = {.at = event.at}};
  const bool by_trace = event.value != 0 && event.result < 0;
  std::string& text = held.row.cell(column, -1).text;
  constexpr int sigpipe = 13;
  if (event.result >= 0) {
    text = fmt::format("{}[program ends: {}]", label, event.result);
  } else if (by_trace) {
    text = fmt::format("{}[ended with the trace]", label);
  } else {
    text = fmt::format("{}[killed by {}]", label, signal_name(-event.result));
    if (event.result == -sigpipe) {
      held.row.below.emplace_back(
          "a send on a connection that is over kills a program, unless it ignores SIGPIPE or sends "
          "with MSG_NOSIGNAL");
    }
  }
  hold(std::move(held));
}

void Ladder::take_end() {
  flush();
  std::size_t count = 0;
  for (const auto& link : model_.links()) {
    const bool is_private = link->ends[0].address.empty() && link->ends[1].address.empty() &&
                            link->ends[0].out.sent_bytes() + link->ends[1].out.sent_bytes() == 0;
    if (is_private) continue;  // a socketpair that woke nobody
    if (count++ == 0) write_("\n");
    if (count > summed_up_max) continue;
    const std::string text = sum_up(*link, model_);
    write_((ascii_ ? to_ascii(text) : text) + "\n");
  }
  if (count > summed_up_max) {
    write_(fmt::format("and {} more connections\n", count - summed_up_max));
  }
}

// ---- Rows --------------------------------------------------------------------------------------

void Ladder::hold(Held held) {
  flush();
  held.heading = heading();
  held_ = std::move(held);
}

void Ladder::flush() {
  if (!held_) return;
  const Held held = std::move(*held_);
  held_.reset();
  const RowPainter painter(held.heading.order, ascii_);
  if (held.heading != shown_) {
    if (!shown_.titles.empty()) write_("\n");
    write_(painter.heading(held.heading.titles));
    shown_ = held.heading;
  }
  write_(painter.paint(held.row));
}

Ladder::Heading Ladder::heading() {
  Programs& programs = model_.programs();
  Heading heading{.order = programs.order(), .titles = {}};
  for (std::size_t i = 0; i < programs.count(); ++i) {
    heading.titles.push_back(programs.title(static_cast<int>(i)));
  }
  return heading;
}

}  // namespace ieum::cli::trace
