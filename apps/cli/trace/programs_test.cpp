#include "trace/programs.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ieum::cli::trace {
namespace {

Event event(EventKind kind, int pid, std::string text = {}, int other_pid = 0) {
  return {.kind = kind, .pid = pid, .tid = pid, .other_pid = other_pid, .text = std::move(text)};
}

class ProgramsTest : public testing::Test {
 protected:
  ProgramsTest() { programs.take(event(EventKind::start, 1, "sh")); }

  /// A child of the first process runs `title`, and uses a socket.
  int run(int pid, const std::string& title) {
    programs.take(event(EventKind::fork, 1, {}, pid));
    programs.take(event(EventKind::exec, pid, title));
    return programs.column_of(pid);
  }
  [[nodiscard]] const std::string& title_of(int pid) {
    return programs.title(programs.column_of(pid));
  }

  Programs programs;
};

TEST_F(ProgramsTest, WhatBecomesAnotherKeepsItsColumn) {
  const int column = run(2, "wrapper");
  const Seat seat = programs.seat_of(column);
  programs.take(event(EventKind::exec, 2, "server"));
  EXPECT_EQ(programs.column_of(2), column);
  EXPECT_EQ(programs.title(column), "server");
  EXPECT_EQ(programs.column_of(seat), column);
  EXPECT_EQ(programs.count(), 1U);
}

TEST_F(ProgramsTest, AChildThatBecomesAnotherLeavesThatOfItsParent) {
  const int column = run(2, "server");
  programs.take(event(EventKind::fork, 2, {}, 3));
  EXPECT_EQ(programs.column_of(3), column);
  EXPECT_EQ(programs.label_of(3, 3), "process 2: ");
  programs.take(event(EventKind::exec, 3, "helper"));
  EXPECT_NE(programs.column_of(3), column);
  EXPECT_EQ(title_of(2), "server");
}

TEST_F(ProgramsTest, TheNextGetsTheColumnOfOneThatHasEnded) {
  const int column = run(2, "first");
  const Seat seat = programs.seat_of(column);
  programs.take(event(EventKind::exit, 2));
  // What its end closed is told after it.
  EXPECT_EQ(programs.column_of(2), column);
  EXPECT_EQ(run(3, "second"), column);
  EXPECT_EQ(programs.title(column), "second");
  EXPECT_EQ(programs.column_of(seat), -1);
  EXPECT_EQ(programs.label_of(3, 3), "");
}

TEST_F(ProgramsTest, WithoutAColumnOfTheirOwnTheySayWhoTheyAre) {
  int last = 0;
  for (int i = 0; i < 8; ++i) last = run(10 + i, "program " + std::to_string(i));
  EXPECT_EQ(programs.count(), Programs::columns_max);
  EXPECT_EQ(programs.title(last), "other programs");
  EXPECT_EQ(programs.label_of(17, 17), "program 7: ");
  EXPECT_EQ(programs.label_of(17, 20), "program 7, thread 2: ");
  EXPECT_EQ(programs.name_of(10), "program 0");
}

}  // namespace
}  // namespace ieum::cli::trace
