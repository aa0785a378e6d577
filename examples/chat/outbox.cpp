// Outbox: the lines that a member has still to get.
#include "outbox.hpp"

namespace chat {

void Outbox::add(Line line) {
  if (closed_) return;
  bytes_ += line->size();
  lines_.push_back(std::move(line));
  while (bytes_ > bytes_max) {
    bytes_ -= lines_.front()->size();
    lines_.pop_front();
    ++dropped_;
  }
  changed_.set();
}

void Outbox::close() noexcept {
  closed_ = true;
  changed_.set();
}

/// The oldest lines, after a word on those that were dropped before them.
void Outbox::take(std::vector<Line>& batch) {
  batch.clear();
  if (dropped_ > 0) {
    const char* lines = dropped_ == 1 ? " line was" : " lines were";
    batch.push_back(make_line("* You were not reading: " + std::to_string(dropped_) + lines +
                              " dropped here."));
    dropped_ = 0;
  }
  while (!lines_.empty() && batch.size() < batch_lines_max) {
    bytes_ -= lines_.front()->size();
    batch.push_back(std::move(lines_.front()));
    lines_.pop_front();
  }
}

ieum::Task<> Outbox::send_to(ieum::StreamSocket& socket) {
  std::vector<Line> batch;
  std::vector<ieum::ConstBuffer> parts;
  for (;;) {
    while (lines_.empty() && !closed_) {
      changed_.reset();
      co_await changed_.wait();
    }
    if (lines_.empty()) break;
    take(batch);
    parts.clear();
    for (const Line& line : batch) parts.push_back(std::as_bytes(std::span(*line)));
    const std::span<const ieum::ConstBuffer> all = parts;
    co_await ieum::with_timeout(unread_max, socket.write_all(all));
  }
  all_sent_.set();
}

ieum::Task<> Outbox::all_sent() { co_await all_sent_.wait(); }

}  // namespace chat
