// FaultyStream: what is read through it is cut after so many bytes, or has a bit turned over.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include <ieum/layer_operation.hpp>

namespace ieum::test {

class FaultyStream final : public Stream {
 public:
  static constexpr std::uint64_t never = UINT64_MAX;
  struct Fault {
    std::uint64_t cut_after = never;  // then the end, for ever
    std::uint64_t flip_at = never;
    unsigned bit = 0;
  };
  FaultyStream(std::unique_ptr<Stream> beneath, const Fault& fault, std::uint64_t& passed)
      : beneath_(std::move(beneath)), fault_(fault), passed_(passed), reading_(*this) {}

  [[nodiscard]] Task<> shutdown_write() override { return beneath_->shutdown_write(); }
  [[nodiscard]] Task<> close() override { return beneath_->close(); }
  [[nodiscard]] bool is_open() const noexcept override { return beneath_->is_open(); }
  void begin_read(detail::StreamIo& io, std::span<std::byte> into) override {
    beneath_->begin_read(io, into);  // TLS reads by leases
  }
  void begin_receive(detail::StreamReceiveIo& io) override { static_cast<void>(io.use(reading_)); }
  void begin_write(detail::StreamIo& io, const detail::WriteRequest& request) override {
    beneath_->begin_write(io, request);
  }

 private:
  class Reading final : public LayerOperation {
   public:
    explicit Reading(FaultyStream& of) noexcept : LayerOperation("read faultily"), of_(of) {}

   private:
    [[nodiscard]] Address peer_address() const noexcept override { return {}; }
    Step advance() noexcept override {
      if (!has_ended_beneath()) {
        if (of_.passed_ < of_.fault_.cut_after) return receive_beneath(*of_.beneath_);
        lease = Lease();
        return Step::done;
      }
      lease = take_lease();
      const std::uint64_t from = of_.passed_;
      of_.passed_ += lease.size();
      if (of_.fault_.flip_at >= from && of_.fault_.flip_at < of_.passed_) {
        lease.bytes()[of_.fault_.flip_at - from] ^= std::byte(1U << of_.fault_.bit);
      }
      if (of_.passed_ > of_.fault_.cut_after) {
        lease.shrink(of_.fault_.cut_after - from);
        of_.passed_ = of_.fault_.cut_after;
      }
      return Step::done;
    }
    FaultyStream& of_;
  };

  std::unique_ptr<Stream> beneath_;
  Fault fault_;
  std::uint64_t& passed_;
  Reading reading_;
};

}  // namespace ieum::test
