// Semaphore: at most so many tasks of a runtime at a time.
#pragma once

#include <cstddef>
#include <utility>

#include <ieum/task.hpp>

#pragma GCC visibility push(default)
namespace ieum {

class Semaphore;

namespace detail {

/// A wait for a permit; while it waits it is in the semaphore's queue.
class PermitLeaf : public Leaf {
 public:
  PermitLeaf(Semaphore& semaphore, const char* name) noexcept
      : link_(*this), semaphore_(&semaphore), name_(name) {}
  [[nodiscard]] Error error() const noexcept final { return error_at({}); }
  [[nodiscard]] const char* name() const noexcept final { return name_; }
  void on_stop() noexcept final;
  /// Takes a wait back at once; false if the permit has been given.
  bool withdraw() noexcept;

 protected:
  ~PermitLeaf() { give_back(); }
  Start begin(Waiter& waiter, Scope& scope) noexcept;
  /// The semaphore, whose permit is now somebody else's to give back.
  Semaphore& take_permit() noexcept {
    holds_ = false;
    return *semaphore_;
  }

 private:
  friend class ieum::Semaphore;
  struct Link : ListLink {
    explicit Link(PermitLeaf& of) noexcept : leaf(of) {}
    PermitLeaf& leaf;
  };
  void given() noexcept;
  void give_back() noexcept;

  Link link_;
  Semaphore* semaphore_;
  const char* name_;
  bool holds_ = false;  // it was given, and nobody has taken it yet
};

/// `co_await` gives a `Permit`, made of the semaphore.
template <class Permit>
class [[nodiscard]] Acquire {
 public:
  using value_type = Permit;
  Acquire(Semaphore& semaphore, const char* name) noexcept : semaphore_(&semaphore), name_(name) {}

  class State final : public PermitLeaf {
   public:
    explicit State(Acquire&& acquire) noexcept : PermitLeaf(*acquire.semaphore_, acquire.name_) {}
    Start start(Waiter& waiter, Scope& scope) noexcept { return begin(waiter, scope); }
    Permit take() noexcept { return Permit(take_permit()); }
    [[nodiscard]] Error take_error() const noexcept { return error(); }
  };

 private:
  Semaphore* semaphore_;
  const char* name_;
};

}  // namespace detail

/// A number of permits that tasks of one runtime take and give back: so many of them do something
/// at a time. Those that wait get one in the order in which they came; nobody overtakes them.
///
/// Only the runtime's thread may use it (`Runtime::post` or a `Mailbox` reaches it from others). It
/// must outlive whoever waits and every permit, and stays where it is.
class Semaphore {
 public:
  /// Gives its permit back when it is destroyed.
  class [[nodiscard]] Permit {
   public:
    /// None.
    Permit() noexcept = default;
    Permit(Permit&& other) noexcept : semaphore_(std::exchange(other.semaphore_, nullptr)) {}
    Permit& operator=(Permit&& other) noexcept {
      if (this != &other) {
        release();
        semaphore_ = std::exchange(other.semaphore_, nullptr);
      }
      return *this;
    }
    ~Permit() { release(); }

    explicit operator bool() const noexcept { return semaphore_ != nullptr; }
    /// Gives it back now; the first who waits has it then.
    void release() noexcept {
      if (semaphore_ != nullptr) std::exchange(semaphore_, nullptr)->give_back();
    }

   private:
    friend class Semaphore;
    template <class P>
    friend class detail::Acquire;
    explicit Permit(Semaphore& semaphore) noexcept : semaphore_(&semaphore) {}
    Semaphore* semaphore_ = nullptr;
  };

  explicit Semaphore(std::size_t permits) noexcept : available_(permits), total_(permits) {}
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;
  ~Semaphore();

  /// Waits for a permit. A permit that was given when a stop comes is kept. Error:
  /// `operation_canceled`.
  [[nodiscard]] detail::Acquire<Permit> acquire() noexcept { return {*this, "acquire semaphore"}; }
  /// The same without waiting: none if there is none, or others wait.
  Permit try_acquire() noexcept { return take_one() ? Permit(*this) : Permit(); }

  /// Permits that could be taken now.
  [[nodiscard]] std::size_t available() const noexcept { return available_; }

 private:
  friend class detail::PermitLeaf;
  friend class Mutex;
  bool take_one() noexcept {
    if (available_ == 0) return false;
    --available_;
    return true;
  }
  void give_back() noexcept;

  detail::ListLink waiting_;  // then no permit is available
  std::size_t available_;
  std::size_t total_;
};

}  // namespace ieum
#pragma GCC visibility pop
