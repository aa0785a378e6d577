#include "trace/programs.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <ieum/printable.hpp>

namespace ieum::cli::trace {

namespace {
constexpr int outside_root = 1 << 30;
constexpr int other_root = outside_root - 1;
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
    become(event.pid, printable(event.text));
  } else if (event.kind == EventKind::fork) {
    const Process& parent = process(event.pid);
    Process child{.title = parent.title, .root = parent.root};
    process(event.other_pid) = std::move(child);
  } else if (event.kind == EventKind::exit) {
    // Its column stays: what its end closes is told after it.
    Process& one = process(event.pid);
    if (one.column >= 0 && !one.has_ended) leave_column(one);
    one.has_ended = true;
  }
}

void Programs::become(int pid, std::string title) {
  Process& one = process(pid);
  if (title == one.title) return;
  one.title = std::move(title);
  one.threads.clear();
  if (one.column < 0) return;
  Column& column = columns_[static_cast<std::size_t>(one.column)];
  if (column.is_shared) return;
  if (column.pids.size() == 1) {
    column.title = one.title;
    return;
  }
  leave_column(one);
  one.column = -1;
}

void Programs::leave_column(Process& one) {
  --columns_[static_cast<std::size_t>(one.column)].alive;
}

int Programs::column_of(int pid) {
  Process& one = process(pid);
  if (one.column >= 0) return one.column;
  Column& column = find_column(one);
  one.column = static_cast<int>(&column - columns_.data());
  column.pids.push_back(pid);
  one.number = static_cast<int>(column.pids.size());
  if (!one.has_ended) ++column.alive;
  return one.column;
}

Programs::Column& Programs::find_column(const Process& one) {
  const auto find = [&](auto matches) {
    const auto found = std::ranges::find_if(columns_, matches);
    return found == columns_.end() ? nullptr : &*found;
  };
  if (Column* same = find([&](const Column& column) {
        return !column.is_reserved && column.root == one.root && column.title == one.title;
      })) {
    return *same;
  }
  if (Column* reserved = find(
          [&](const Column& column) { return column.is_reserved && column.root == one.root; })) {
    reserved->is_reserved = false;
    reserved->title = one.title;
    return *reserved;
  }
  if (Column* left = find([&](const Column& column) {
        return column.root == one.root && column.alive == 0 && !column.pids.empty();
      })) {
    return give(*left, one);
  }
  if (columns_.size() < columns_max) {
    return columns_.emplace_back(
        Column{.title = one.title, .root = one.root, .tenant = ++tenants_});
  }
  if (Column* left = find([&](const Column& column) {
        return column.alive == 0 && !column.pids.empty() && !column.is_shared;
      })) {
    return give(*left, one);
  }
  Column& last = columns_.back().is_outside ? *(columns_.end() - 2) : columns_.back();
  last.title = "other programs";
  last.root = other_root;
  last.is_shared = true;
  return last;
}

Programs::Column& Programs::give(Column& column, const Process& one) {
  const int index = static_cast<int>(&column - columns_.data());
  for (const int pid : column.pids) {
    if (process(pid).column == index) process(pid).column = -1;
  }
  column = {.title = one.title, .root = one.root, .tenant = ++tenants_};
  return column;
}

int Programs::outside() {
  const auto found = std::ranges::find_if(columns_, &Column::is_outside);
  if (found != columns_.end()) return static_cast<int>(found - columns_.begin());
  columns_.push_back(
      {.title = "(not traced)", .root = outside_root, .tenant = ++tenants_, .is_outside = true});
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
  std::string who;
  if (at(one.column).is_shared) {
    who = one.title;
  } else if (one.number > 1) {
    who = fmt::format("process {}", one.number);
  }
  if (thread > 1) who += fmt::format("{}thread {}", who.empty() ? "" : ", ", thread);
  return who.empty() ? who : who + ": ";
}

std::string Programs::name_of(int pid) {
  const int column = column_of(pid);
  const Process& one = process(pid);
  if (at(column).is_shared) return one.title;
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
