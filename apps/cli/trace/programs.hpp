// Programs: which column of a ladder a process stands in. A column is a program; its children that
// run the same program stand in it too, and are numbered. One that becomes another program keeps
// its column, which is then called as the new one; when all of a column have ended, the next
// program of the same command gets it.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "trace/event.hpp"

namespace ieum::cli::trace {

/// A column, and which of the programs that stand in it one after the other.
struct Seat {
  int column = -1;
  int tenant = 0;
};

class Programs {
 public:
  /// Further programs get the columns of those that have ended, or share the last one.
  static constexpr std::size_t columns_max = 6;

  void take(const Event& event);  ///< begin, start, exec, fork, exit

  /// The column of a process, which has one from when it first uses a socket.
  int column_of(int pid);
  [[nodiscard]] bool has_column(int pid) const {
    const auto found = processes_.find(pid);
    return found != processes_.end() && found->second.column >= 0;
  }
  /// That of all that is not traced.
  int outside();
  [[nodiscard]] Seat seat_of(int column) const { return {column, at(column).tenant}; }
  /// -1 if another program has it by now.
  [[nodiscard]] int column_of(const Seat& seat) const {
    return seat.column >= 0 && at(seat.column).tenant == seat.tenant ? seat.column : -1;
  }
  /// "process 2, thread 3: ", or empty of a program that has one of each.
  std::string label_of(int pid, int tid);
  /// "python3 server.py", with the number of the process.
  std::string name_of(int pid);

  /// From left to right: the command, servers, the rest. Columns are named by their number.
  [[nodiscard]] std::vector<int> order() const;
  [[nodiscard]] const std::string& title(int column) const { return at(column).title; }
  [[nodiscard]] std::size_t count() const noexcept { return columns_.size(); }

 private:
  struct Column {
    std::string title;
    int root = 0;
    int tenant = 0;
    int alive = 0;            ///< processes that have not ended
    std::vector<int> pids{};  ///< all that stood in it
    bool is_outside = false;
    bool is_reserved = false;  ///< for the command, which has used no socket yet
    bool is_shared = false;    ///< by programs for which there was no column left
  };
  struct Process {
    std::string title;
    int root = 0;  ///< 0: the command
    int column = -1;
    int number = 1;
    bool has_ended = false;
    std::map<int, int> threads{};
  };

  [[nodiscard]] const Column& at(int column) const {
    return columns_[static_cast<std::size_t>(column)];
  }
  Process& process(int pid);
  void become(int pid, std::string title);
  void leave_column(Process& one);
  Column& find_column(const Process& one);
  Column& give(Column& column, const Process& one);

  std::vector<Column> columns_;
  std::map<int, Process> processes_;
  int roots_ = 0;
  int tenants_ = 0;
};

}  // namespace ieum::cli::trace
