// The awaitable sends and receives of a datagram socket.
// On the data path: the operation that the driver fills.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include <ieum/datagram.hpp>
#include <ieum/detail/datagram_core.hpp>
#include <ieum/detail/loop.hpp>
#include <ieum/task.hpp>

#pragma GCC visibility push(default)
namespace ieum::detail {

/// The operation in the awaiting frame. The datagrams stay where they are until it has completed.
class DatagramLeaf final : public DriverLeaf {
 public:
  DatagramLeaf(Kind what, DatagramCoreRef core, std::span<Datagram> datagrams) noexcept;

  Start start(Waiter& waiter, Scope& scope) noexcept;
  [[nodiscard]] Error error() const noexcept override;
  [[nodiscard]] const char* name() const noexcept override {
    return kind == Kind::send_datagrams ? "send" : "receive";
  }
  void set_datagrams(std::span<Datagram> datagrams) noexcept { transfer_.datagrams = datagrams; }
  [[nodiscard]] const DatagramCoreRef& core() const noexcept { return core_; }

 private:
  [[nodiscard]] bool find_details(int number, DatagramError& told) const;

  DatagramCoreRef core_;
  DatagramTransfer transfer_;
};

class [[nodiscard]] SendMany {
 public:
  using value_type = std::size_t;
  SendMany(DatagramCoreRef core, std::span<const Datagram> datagrams) noexcept
      : core_(std::move(core)), datagrams_(datagrams) {}

  class State {
   public:
    explicit State(SendMany&& send) noexcept;
    Start start(Waiter& waiter, Scope& scope) noexcept {
      if (patient_) return patient_->start(waiter, scope);
      return leaf_.start(waiter, scope);
    }
    std::size_t take() {
      return patient_ ? patient_->take() : static_cast<std::size_t>(leaf_.result);
    }
    Error take_error() const noexcept { return leaf_.error(); }

   private:
    DatagramLeaf leaf_;
    std::optional<Task<std::size_t>::State> patient_;  // instead of it, to Unix peers
  };

  /// One try at waiting for it, for the patient: -EAGAIN is told.
  class [[nodiscard]] Impatient {
   public:
    using value_type = std::size_t;
    Impatient(DatagramCoreRef core, std::span<const Datagram> datagrams) noexcept
        : core_(std::move(core)), datagrams_(datagrams) {}
    class State {
     public:
      explicit State(Impatient&& send) noexcept;
      Start start(Waiter& waiter, Scope& scope) noexcept { return leaf_.start(waiter, scope); }
      std::size_t take() const noexcept { return static_cast<std::size_t>(leaf_.result); }
      Error take_error() const noexcept { return leaf_.error(); }

     private:
      DatagramLeaf leaf_;
    };

   private:
    DatagramCoreRef core_;
    std::span<const Datagram> datagrams_;
  };

 private:
  DatagramCoreRef core_;
  std::span<const Datagram> datagrams_;
};

class [[nodiscard]] SendOne {
 public:
  using value_type = void;
  SendOne(DatagramCoreRef core, const Datagram& datagram) noexcept
      : core_(std::move(core)), datagram_(datagram) {}

  class State {
   public:
    explicit State(SendOne&& send) noexcept
        : datagram_(send.datagram_),
          many_(SendMany(std::move(send.core_), std::span(&datagram_, 1))) {}
    Start start(Waiter& waiter, Scope& scope) noexcept { return many_.start(waiter, scope); }
    void take() { many_.take(); }
    Error take_error() const noexcept { return many_.take_error(); }

   private:
    Datagram datagram_;
    SendMany::State many_;
  };

 private:
  DatagramCoreRef core_;
  Datagram datagram_;
};

class [[nodiscard]] ReceiveOne {
 public:
  using value_type = Datagram;
  static constexpr bool consumes = true;
  ReceiveOne(DatagramCoreRef core, std::span<std::byte> into) noexcept
      : core_(std::move(core)), into_(into) {}

  class State {
   public:
    explicit State(ReceiveOne&& receive) noexcept;
    Start start(Waiter& waiter, Scope& scope) noexcept;
    Datagram take() noexcept;
    Error take_error() const noexcept { return leaf_.error(); }

   private:
    Datagram next_joined() noexcept;

    std::span<std::byte> into_;
    bool from_joined_ = false;
    Datagram datagram_;
    DatagramLeaf leaf_;
  };

 private:
  DatagramCoreRef core_;
  std::span<std::byte> into_;
};

class [[nodiscard]] ReceiveBatch {
 public:
  using value_type = std::size_t;
  static constexpr bool consumes = true;
  ReceiveBatch(DatagramCoreRef core, DatagramBatch& into) noexcept
      : core_(std::move(core)), into_(&into) {}

  class State {
   public:
    explicit State(ReceiveBatch&& receive) noexcept;
    Start start(Waiter& waiter, Scope& scope) noexcept;
    std::size_t take();
    Error take_error() const noexcept { return leaf_.error(); }

   private:
    void join_received() noexcept;

    DatagramBatch* into_;
    bool copied_ = false;
    DatagramLeaf leaf_;
  };

 private:
  DatagramCoreRef core_;
  DatagramBatch* into_;
};

}  // namespace ieum::detail
#pragma GCC visibility pop
