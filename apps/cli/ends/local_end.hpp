// LocalEnd: standard input and output, or a file that is read or written, as an end.
#pragma once

#include <memory>
#include <string>

#include <ieum/descriptor.hpp>
#include <ieum/descriptor_stream.hpp>

#include "ends/end.hpp"
#include "session/output.hpp"

namespace ieum::cli {

class LocalEnd final : public End {
 public:
  /// Errors: those of `DescriptorStream::open`.
  [[nodiscard]] static Result<std::unique_ptr<LocalEnd>> standard();
  /// Reads a file, or a pipe that has a name, which has no end. Errors: those of open(2).
  [[nodiscard]] static Result<std::unique_ptr<LocalEnd>> reading(const std::string& path);
  /// Writes a file, and gives nothing.
  [[nodiscard]] static Result<std::unique_ptr<LocalEnd>> writing(const std::string& path,
                                                                 Output::Existing existing);

  Task<std::optional<std::size_t>> read(std::span<std::byte> into) override;
  Task<std::optional<std::size_t>> write(ConstBuffer data) override;
  Task<bool> finish() override;
  Task<> close() override;
  [[nodiscard]] bool gives() const noexcept override { return input_.has_value(); }
  [[nodiscard]] bool takes() const noexcept override { return output_.has_value(); }
  [[nodiscard]] bool has_end() const noexcept override { return has_end_; }

 private:
  Descriptor file_;
  std::optional<DescriptorStream> input_;
  std::optional<Output> output_;
  bool has_end_ = true;
  bool is_finished_ = false;
};

}  // namespace ieum::cli
