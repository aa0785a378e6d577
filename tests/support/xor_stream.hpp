// XorStream: a protocol layer that turns over bits, for tests of what every layer must do.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>

#include <ieum/layer_operation.hpp>
#include <ieum/stream_socket.hpp>

namespace ieum::test {

/// Over any stream, also over another one of its kind.
class XorStream final : public Stream {
 public:
  XorStream(std::unique_ptr<Stream> beneath, std::byte mask)
      : beneath_(std::move(beneath)), mask_(mask), reading_(*this), writing_(*this) {}

  [[nodiscard]] Stream& beneath() noexcept { return *beneath_; }

  [[nodiscard]] Task<> shutdown_write() override { return beneath_->shutdown_write(); }
  [[nodiscard]] Task<> close() override { return beneath_->close(); }
  [[nodiscard]] Task<> reset() override { return beneath_->reset(); }
  [[nodiscard]] bool is_open() const noexcept override { return beneath_->is_open(); }
  [[nodiscard]] Address peer_address() const noexcept override { return beneath_->peer_address(); }
  [[nodiscard]] Result<Address> local_address() const noexcept override {
    return beneath_->local_address();
  }
  void begin_read(detail::StreamIo& io, std::span<std::byte> into) override {
    if (io.use(reading_)) reading_.begin(Reading::What::read, into);
  }
  void begin_receive(detail::StreamReceiveIo& io) override {
    if (io.use(reading_)) reading_.begin(Reading::What::receive, {});
  }
  void begin_wait_readable(detail::StreamIo& io) override {
    if (io.use(reading_)) reading_.begin(Reading::What::wait, {});
  }
  void begin_write(detail::StreamIo& io, const detail::WriteRequest& request) override {
    if (io.use(writing_)) writing_.begin(request);
  }

 private:
  class Operation : public LayerOperation {
   public:
    Operation(XorStream& of, const char* name) noexcept : LayerOperation(name), stream_(of) {}

   protected:
    ~Operation() = default;
    [[nodiscard]] Address peer_address() const noexcept override { return stream_.peer_address(); }
    XorStream& stream_;
  };

  class Reading final : public Operation {
   public:
    enum class What : std::uint8_t { read, receive, wait };
    explicit Reading(XorStream& of) noexcept : Operation(of, "read through a mask") {}
    void begin(What what, std::span<std::byte> into) noexcept {
      what_ = what;
      into_ = into;
    }

   private:
    Step advance() noexcept override {
      if (!has_ended_beneath()) {
        switch (what_) {
          case What::read: return read_beneath(*stream_.beneath_, into_);
          case What::receive: return receive_beneath(*stream_.beneath_);
          case What::wait: return wait_readable_beneath(*stream_.beneath_);
        }
      }
      if (what_ == What::receive) {
        lease = take_lease();
        stream_.turn(lease.bytes());
      } else {
        count = take_count();
        if (what_ == What::read) stream_.turn(into_.first(count));
      }
      return Step::done;
    }
    What what_ = What::read;
    std::span<std::byte> into_;
  };

  /// Turns over a piece at a time, in a buffer that it leases meanwhile.
  class Writing final : public Operation {
   public:
    explicit Writing(XorStream& of) noexcept : Operation(of, "write through a mask") {}
    void begin(const detail::WriteRequest& request) noexcept {
      request_ = request;
      count = part_ = at_ = sent_ = size_ = 0;
    }

   private:
    static constexpr std::size_t piece_bytes = 16'384;

    Step advance() noexcept override {
      if (has_ended_beneath()) {
        if (turned_.empty()) {
          turned_ = take_lease();
        } else {
          const std::size_t gone = take_count();
          count += gone;
          sent_ += gone;
          if (!request_.whole) return end();
        }
      }
      if (sent_ == size_) {
        const ConstBuffer next = next_part();
        if (next.empty()) return end();
        if (turned_.empty()) return lease_output_buffer(piece_bytes);
        fill();
      }
      const ConstBuffer rest = turned_.bytes().subspan(sent_, size_ - sent_);
      return write_beneath(*stream_.beneath_, {.data = rest, .parts = {}, .whole = false});
    }
    // Of what is still in the buffer nothing is left: the layer above knows that it has not gone.
    Step gave_up(Error& /*error*/) noexcept override {
      turned_.reset();
      return Step::failed;
    }
    Step end() noexcept {
      turned_.reset();
      return Step::done;
    }
    /// What is left of the part that is next; nothing if there is none.
    ConstBuffer next_part() noexcept {
      const bool gathers = request_.parts.data() != nullptr;
      const std::span<const ConstBuffer> parts =
          gathers ? request_.parts : std::span<const ConstBuffer>(&request_.data, 1);
      while (part_ < parts.size() && at_ == parts[part_].size()) {
        ++part_;
        at_ = 0;
      }
      return part_ < parts.size() ? parts[part_].subspan(at_) : ConstBuffer();
    }
    void fill() noexcept {
      sent_ = size_ = 0;
      const std::size_t room = std::min(turned_.size(), piece_bytes);
      for (ConstBuffer from = next_part(); !from.empty() && size_ < room; from = next_part()) {
        const std::size_t size = std::min(from.size(), room - size_);
        std::ranges::copy(from.first(size), turned_.data() + size_);
        size_ += size;
        at_ += size;
      }
      stream_.turn(turned_.bytes().first(size_));
    }
    detail::WriteRequest request_{};
    std::size_t part_ = 0;  // of the request, and the place in it
    std::size_t at_ = 0;
    Lease turned_;
    std::size_t sent_ = 0;
    std::size_t size_ = 0;
  };

  void turn(std::span<std::byte> bytes) const noexcept;  // where optimised: it is most of the work

  std::unique_ptr<Stream> beneath_;
  std::byte mask_;
  Reading reading_;
  Writing writing_;
};

/// Three of them over `beneath`.
inline std::unique_ptr<Stream> layered(std::unique_ptr<Stream> beneath) {
  for (const std::byte mask : {std::byte{0x55}, std::byte{0x0f}, std::byte{0x80}}) {
    beneath = std::make_unique<XorStream>(std::move(beneath), mask);
  }
  return beneath;
}
inline std::unique_ptr<Stream> layered(StreamSocket socket) {
  return layered(std::unique_ptr<Stream>(std::make_unique<StreamSocket>(std::move(socket))));
}

}  // namespace ieum::test
