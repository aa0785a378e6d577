// Programs: which column of a ladder a process stands in. A column is a program; its children that
// run the same program stand in it too, and are numbered.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "trace/event.hpp"

namespace ieum::cli::trace {

class Programs {
 public:
  /// Further programs stand in the last one.
  static constexpr std::size_t columns_max = 6;

  void take(const Event& event);  ///< begin, start, exec, fork

  /// The column of a process, which has one from when it first uses a socket.
  int column_of(int pid);
  [[nodiscard]] bool has_column(int pid) const {
    const auto found = processes_.find(pid);
    return found != processes_.end() && found->second.column >= 0;
  }
  /// That of all that is not traced.
  int outside();
  /// "process 2, thread 3: ", or empty of a program that has one of each.
  std::string label_of(int pid, int tid);
  /// "python3 server.py", with the number of the process.
  std::string name_of(int pid);

  /// From left to right: the command, servers, the rest. Columns are named by their number.
  [[nodiscard]] std::vector<int> order() const;
  [[nodiscard]] const std::string& title(int column) const {
    return columns_[static_cast<std::size_t>(column)].title;
  }
  [[nodiscard]] std::size_t count() const noexcept { return columns_.size(); }

 private:
  struct Column {
    std::string title;
    int root = 0;
    int processes = 0;
    bool is_outside = false;
    bool is_reserved = false;  ///< for the command, which has used no socket yet
  };
  struct Process {
    std::string title;
    int root = 0;  ///< 0: the command
    int column = -1;
    int number = 1;
    std::map<int, int> threads{};
  };

  Process& process(int pid);

  std::vector<Column> columns_;
  std::map<int, Process> processes_;
  int roots_ = 0;
};

}  // namespace ieum::cli::trace
