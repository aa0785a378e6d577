// PushbackStream: a stream with bytes put back in front of it.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <ieum/layer_operation.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// A stream that first gives again what had been read of the one beneath, for who read too far: the
/// next protocol's first bytes behind an HTTP upgrade, STARTTLS, a PROXY protocol header. All else
/// is the stream beneath, at no cost once they have been read.
class PushbackStream final : public Stream {
 public:
  /// Over `beneath`, which must outlive this.
  explicit PushbackStream(Stream& beneath) noexcept : beneath_(&beneath), reading_(*this) {}
  explicit PushbackStream(std::unique_ptr<Stream> beneath) noexcept
      : owned_(std::move(beneath)), beneath_(owned_.get()), reading_(*this) {}
  /// Over a stream that it takes over.
  template <std::derived_from<Stream> S>
    requires(!std::is_lvalue_reference_v<S>)
  explicit PushbackStream(S&& beneath)
      : PushbackStream(std::unique_ptr<Stream>(std::make_unique<S>(std::move(beneath)))) {}

  /// Puts `data` in front of all that is still to be read; not while a read is pending. A lease is
  /// kept as it is, if it is all that is held; bytes are copied.
  void put_back(Lease data);
  void put_back(ConstBuffer data);
  /// How many of the bytes that were put back are still to be read.
  [[nodiscard]] std::size_t held() const noexcept { return rest().size(); }

  [[nodiscard]] Task<> shutdown_write() override { return beneath_->shutdown_write(); }
  [[nodiscard]] Task<> close() override { return beneath_->close(); }
  [[nodiscard]] Task<> reset() override { return beneath_->reset(); }
  [[nodiscard]] bool is_open() const noexcept override { return beneath_->is_open(); }
  [[nodiscard]] Address peer_address() const noexcept override { return beneath_->peer_address(); }
  [[nodiscard]] Result<Address> local_address() const noexcept override {
    return beneath_->local_address();
  }
  [[nodiscard]] std::size_t bytes_on_way() const noexcept override {
    return beneath_->bytes_on_way();
  }

  void begin_read(detail::StreamIo& io, std::span<std::byte> into) override;
  void begin_write(detail::StreamIo& io, const detail::WriteRequest& request) override {
    beneath_->begin_write(io, request);
  }
  void begin_receive(detail::StreamReceiveIo& io) override;
  void begin_wait_readable(detail::StreamIo& io) override;

 private:
  enum class What : std::uint8_t { read, receive, wait };
  /// Of what is held.
  class Reading final : public LayerOperation {
   public:
    explicit Reading(PushbackStream& of) noexcept : LayerOperation("read"), stream_(of) {}
    void begin(What what, std::span<std::byte> into) noexcept {
      what_ = what;
      into_ = into;
    }

   private:
    Step advance() noexcept override;
    [[nodiscard]] Address peer_address() const noexcept override { return stream_.peer_address(); }
    PushbackStream& stream_;
    What what_ = What::read;
    std::span<std::byte> into_;
  };

  [[nodiscard]] ConstBuffer rest() const noexcept {
    return lease_ ? ConstBuffer(lease_) : ConstBuffer(bytes_).subspan(read_);
  }
  /// Whether the next read is of what is held.
  [[nodiscard]] bool holds() const noexcept { return held() > 0 && beneath_->is_open(); }
  std::size_t take(std::span<std::byte> into) noexcept;

  std::unique_ptr<Stream> owned_;
  Stream* beneath_;
  // What is held: one of the two.
  Lease lease_;
  std::vector<std::byte> bytes_;
  std::size_t read_ = 0;  // of `bytes_`
  Reading reading_;
};

}  // namespace ieum
#pragma GCC visibility pop
