// ParkedList: pending operations that are in no kernel's hands, in the order in which they came.
#pragma once

#include <cstddef>
#include <cstdint>

#include <ieum/operation.hpp>

namespace ieum::detail {

/// Linked through `next`; `Operation::parked_in` is `number` while one is in it.
class ParkedList {
 public:
  explicit ParkedList(std::uint8_t number) noexcept : number_(number) {}
  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  void push(Operation& operation) noexcept {
    ++size_;
    operation.parked_in = number_;
    operation.next = nullptr;
    operation.link = end_;
    *end_ = &operation;
    end_ = &operation.next;
  }
  [[nodiscard]] Operation* first() const noexcept { return first_; }
  Operation* pop() noexcept {
    Operation* operation = first_;
    if (operation != nullptr) remove(*operation);
    return operation;
  }
  void remove(Operation& operation) noexcept {
    --size_;
    Operation** const link = operation.link;
    *link = operation.next;
    if (operation.next != nullptr) operation.next->link = link;
    if (end_ == &operation.next) end_ = link;
    operation.parked_in = 0;
    operation.result = 0;
  }

 private:
  Operation* first_ = nullptr;
  Operation** end_ = &first_;
  std::size_t size_ = 0;
  std::uint8_t number_;
};

}  // namespace ieum::detail
