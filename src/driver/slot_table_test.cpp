// SlotTable: a slot of its own for each number, where it was put.
#include "driver/slot_table.hpp"

#include <vector>

#include "support/support.hpp"

namespace ieum::detail {
namespace {

TEST(SlotTable, HasOneForEachNumberAndKeepsItInItsPlace) {
  SlotTable<int> table;
  std::vector<int*> places;
  for (int number = 0; number < 1000; ++number) {
    table[number] = number;
    places.push_back(&table[number]);
  }
  for (int number = 0; number < 1000; ++number) {
    EXPECT_EQ(table.find(number), places[static_cast<std::size_t>(number)]);
    EXPECT_EQ(table[number], number);
  }
  EXPECT_EQ(table.count_if([](int number) { return number % 2 == 1; }), 500U);
}

TEST(SlotTable, MakesNoneForNumbersFarFromTheOnesUsed) {
  SlotTable<int> table;
  EXPECT_EQ(table.find(0), nullptr);
  table[1'000'000] = 1;
  EXPECT_EQ(table.find(0), nullptr);
  EXPECT_EQ(table.find(999'000), nullptr);
  EXPECT_EQ(table.find(2'000'000), nullptr);
  EXPECT_EQ(table.find(-1), nullptr);
  EXPECT_EQ(table.count_if([](int value) { return value == 1; }), 1U);
}

}  // namespace
}  // namespace ieum::detail
