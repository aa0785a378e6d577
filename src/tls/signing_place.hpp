// SigningPlace: bounds how many slow steps of handshakes are on the pool of threads at a time.
#pragma once

#include <ieum/event.hpp>
#include <ieum/task.hpp>

namespace ieum::tls {

/// A place among those of this thread, given back by the destructor. Its runtimes share the places;
/// those that wait get them in order. So however many handshakes come, other work finds the pool's
/// threads.
class SigningPlace {
 public:
  static constexpr std::size_t at_once_max = 2;

  SigningPlace() noexcept = default;
  SigningPlace(const SigningPlace&) = delete;
  SigningPlace& operator=(const SigningPlace&) = delete;
  ~SigningPlace();

  /// Waits for a place. Error: `operation_canceled`.
  Task<> come();

 private:
  struct Line;
  static thread_local constinit Line line_;
  enum class State : unsigned char { outside, waiting, has_place };
  static void give_places() noexcept;
  void unlink() noexcept;

  State state_ = State::outside;
  SigningPlace* previous_ = nullptr;
  SigningPlace* next_ = nullptr;
  Event given_;
};

}  // namespace ieum::tls
