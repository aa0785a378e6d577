// In the place of the page, where it was not built.
#include "listeners/page.hpp"

namespace ieum::hub {

std::span<const PageFile> page_files() noexcept { return {}; }

}  // namespace ieum::hub
