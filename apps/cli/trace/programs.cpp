#include "trace/programs.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <ieum/printable.hpp>

namespace ieum::cli::trace {

namespace {
constexpr int outside_root = 1 << 30;
}  // namespace

Programs::Process& Programs::process(int pid) {
  // A recording may be of anything; a live one knows its processes.
  constexpr std::size_t processes_max = 100'000;
  if (processes_.size() >= processes_max && !processes_.contains(pid)) {
    return processes_.begin()->second;
  }
  return processes_[pid];
}

void Programs::take(const Event& event) {
  if (event.kind == EventKind::begin && !event.data.empty()) {
    if (columns_.empty()) {
      columns_.push_back({.title = printable(event.data), .is_reserved = true});
    }
  } else if (event.kind == EventKind::start) {
    // The column of the command is the first, whenever it starts.
    const bool is_command = event.value == 0 && !columns_.empty() && columns_[0].is_reserved;
    process(event.pid) = {.title = printable(event.text), .root = is_command ? 0 : ++roots_};
  } else if (event.kind == EventKind::exec) {
    Process& one = process(event.pid);
    const std::string title = printable(event.text);
    if (title == one.title) return;
    one.title = title;
    one.column = -1;
    one.threads.clear();
  } else if (event.kind == EventKind::fork) {
    const Process& parent = process(event.pid);
    Process child{.title = parent.title, .root = parent.root};
    process(event.other_pid) = std::move(child);
  }
}

int Programs::column_of(int pid) {
  Process& one = process(pid);
  if (one.column >= 0) return one.column;
  auto found = std::ranges::find_if(columns_, [&](const Column& column) {
    return !column.is_reserved && column.root == one.root && column.title == one.title;
  });
  if (found == columns_.end()) {
    found = std::ranges::find_if(columns_, [&](const Column& column) {
      return column.is_reserved && column.root == one.root;
    });
    if (found != columns_.end()) {
      found->is_reserved = false;
      found->title = one.title;
    }
  }
  if (found == columns_.end() && columns_.size() >= columns_max) {
    found = columns_.end() - 1;
    if (found->is_outside) --found;
    found->title = "other programs";
    found->root = -1;
  }
  if (found == columns_.end()) {
    columns_.push_back({.title = one.title, .root = one.root});
    found = columns_.end() - 1;
  }
  one.column = static_cast<int>(found - columns_.begin());
  one.number = ++found->processes;
  return one.column;
}

int Programs::outside() {
  const auto found = std::ranges::find_if(columns_, &Column::is_outside);
  if (found != columns_.end()) return static_cast<int>(found - columns_.begin());
  columns_.push_back({.title = "(not traced)", .root = outside_root, .is_outside = true});
  return static_cast<int>(columns_.size() - 1);
}

std::string Programs::label_of(int pid, int tid) {
  column_of(pid);
  Process& one = process(pid);
  int thread = 1;
  if (tid != pid) {
    constexpr std::size_t threads_max = 10'000;
    if (one.threads.size() < threads_max) {
      one.threads.try_emplace(tid, static_cast<int>(one.threads.size()) + 2);
    }
    const auto found = one.threads.find(tid);
    if (found != one.threads.end()) thread = found->second;
  }
  if (one.number > 1 && thread > 1) {
    return fmt::format("process {}, thread {}: ", one.number, thread);
  }
  if (one.number > 1) return fmt::format("process {}: ", one.number);
  return thread > 1 ? fmt::format("thread {}: ", thread) : std::string();
}

std::string Programs::name_of(int pid) {
  const int column = column_of(pid);
  const Process& one = process(pid);
  return one.number > 1 ? fmt::format("{}, process {}", title(column), one.number) : title(column);
}

std::vector<int> Programs::order() const {
  std::vector<int> all;
  for (std::size_t i = 0; i < columns_.size(); ++i) all.push_back(static_cast<int>(i));
  // By the column's number as well, as those of one root stay in order.
  std::ranges::sort(all, {}, [&](int column) {
    return std::pair(columns_[static_cast<std::size_t>(column)].root, column);
  });
  return all;
}

}  // namespace ieum::cli::trace
