// Row: one line of a ladder before it is drawn, and how it is drawn: a time, a column for each
// program, and between two columns a lane, in which an arrow shows what goes over the connection.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "trace/event.hpp"

namespace ieum::cli::trace {

struct Row {
  struct Cell {
    int column = 0;
    int facing = -1;  ///< the column of the other end; -1: none
    std::string text{};
    std::string state{};
    int fd = -1;  ///< beside the text, on the side of the lane
    /// Behind it if there is room, else on lines below.
    std::vector<std::string> notes{};
  };
  Time at{};
  std::vector<Cell> cells{};
  // The arrow, if `from` is a column.
  int from = -1;
  int to = -1;
  std::string label{};
  bool is_inferred = false;          ///< dotted
  std::vector<std::string> below{};  ///< sentences

  /// The cell of a column, made if need be.
  Cell& cell(int column, int facing);
};

class RowPainter {
 public:
  /// `order` has the columns from left to right.
  RowPainter(std::vector<int> order, bool ascii);

  [[nodiscard]] std::string heading(const std::vector<std::string>& titles) const;
  [[nodiscard]] std::string paint(const Row& row) const;
  [[nodiscard]] const std::vector<int>& order() const noexcept { return order_; }

 private:
  struct Place {
    std::string text{};
    std::string left_state{};
    std::string right_state{};
  };

  [[nodiscard]] int place_of(int column) const;
  [[nodiscard]] std::vector<std::string> lanes_of(const Row& row) const;
  [[nodiscard]] std::string lane_with(std::string label, bool to_right, bool has_head,
                                      bool is_inferred) const;
  [[nodiscard]] std::string join(std::string_view time, const std::vector<Place>& places,
                                 const std::vector<std::string>& lanes, bool is_heading) const;

  std::vector<int> order_;
  bool ascii_;
};

}  // namespace ieum::cli::trace
