// Scope: how far a stop reaches.
#pragma once

#include <string>

#pragma GCC visibility push(default)
namespace ieum::detail {

class Loop;

/// A node of an intrusive doubly linked list, or its head.
struct ListLink {
  ListLink* previous = this;
  ListLink* next = this;

  ListLink() noexcept = default;
  ListLink(const ListLink&) = delete;
  ListLink& operator=(const ListLink&) = delete;
  ~ListLink() { unlink(); }

  [[nodiscard]] bool linked() const noexcept { return next != this; }
  void link_before(ListLink& other) noexcept {
    previous = other.previous;
    next = &other;
    other.previous->next = this;
    other.previous = this;
  }
  void unlink() noexcept {
    previous->next = next;
    next->previous = previous;
    previous = next = this;
  }
};

/// Something in a scope that hears of a stop.
class StopNode : public ListLink {
 public:
  /// A stop was asked for. May only enqueue, cancel or unlink itself.
  virtual void on_stop() noexcept = 0;
  /// Adds what is waiting here to a dump.
  virtual void describe(std::string& text, int depth) const = 0;

 protected:
  ~StopNode() = default;
};

/// How far a stop reaches: a node in the tree of groups, deadlines and shields. Every frame has
/// one.
class Scope final : public StopNode {
 public:
  Scope() noexcept = default;
  explicit Scope(Loop& loop) noexcept : loop_(&loop) {}

  /// Takes the loop, and whether a stop was asked for, from `parent`; hears of later stops only
  /// once attached to it.
  void open(Scope& parent) noexcept {
    loop_ = parent.loop_;
    stopped_ = parent.stopped_;
  }
  /// The same without the stop: a shield.
  void open_shielded(Scope& parent) noexcept { loop_ = parent.loop_; }
  void add(StopNode& node) noexcept { node.link_before(members_); }
  [[nodiscard]] bool stopped() const noexcept { return stopped_; }
  [[nodiscard]] Loop& loop() const noexcept { return *loop_; }

  /// Asks everything in this scope to stop. Idempotent.
  void stop() noexcept;

  /// Called by `stop` of the scope round this one, which goes on with this one afterwards: scopes
  /// may be nested to any depth.
  void on_stop() noexcept override;
  void describe(std::string& text, int depth) const override;

 private:
  Loop* loop_ = nullptr;
  ListLink members_;
  Scope* next_stopping_ = nullptr;
  bool stopped_ = false;
};

}  // namespace ieum::detail
#pragma GCC visibility pop
