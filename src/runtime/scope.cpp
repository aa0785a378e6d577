// Scope: a stop goes through all that lies in it, without recursion.
#include <ieum/detail/scope.hpp>

#include <ieum/detail/loop.hpp>

namespace ieum::detail {

void Scope::stop() noexcept {
  if (stopped_) return;
  stopped_ = true;
  loop_->stopping_end_ = &next_stopping_;
  for (Scope* scope = this; scope != nullptr; scope = scope->next_stopping_) {
    for (ListLink* link = scope->members_.next; link != &scope->members_;) {
      ListLink* following = link->next;  // a node may unlink itself, nothing else
      static_cast<StopNode*>(link)->on_stop();
      link = following;
    }
  }
}

void Scope::on_stop() noexcept {
  if (stopped_) return;
  stopped_ = true;
  *loop_->stopping_end_ = this;
  loop_->stopping_end_ = &next_stopping_;
}

void Scope::describe(std::string& text, int depth) const {
  for (const ListLink* link = members_.next; link != &members_; link = link->next) {
    static_cast<const StopNode*>(link)->describe(text, depth);
  }
}

}  // namespace ieum::detail
