// Descriptor: closing.
#include <ieum/descriptor.hpp>

#include <unistd.h>

namespace ieum {

void Descriptor::close() noexcept {
  if (number_ >= 0) ::close(release());
}

}  // namespace ieum
