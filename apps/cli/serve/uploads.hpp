// Uploads: files that clients send into one folder.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include <ieum/descriptor.hpp>
#include <ieum/http/request.hpp>
#include <ieum/http/response.hpp>

#include "report/failure.hpp"

namespace ieum::cli {

/// The folder. A file has no name until it has come as a whole, so that there is never half of one,
/// and none is replaced.
class Uploads {
 public:
  /// Fails if the folder's file system knows no files without a name.
  [[nodiscard]] static std::expected<std::shared_ptr<const Uploads>, Failure> open(
      const std::string& folder);

  /// PUT of `{name}`.
  [[nodiscard]] static Task<http::Response> take(std::shared_ptr<const Uploads> uploads,
                                                 http::Request& request);

 private:
  explicit Uploads(Descriptor folder) noexcept : folder_(std::move(folder)) {}
  Descriptor folder_;
};

/// Below the list of the folder: choosing files, and sending them by PUT.
inline constexpr const char* upload_form = R"(<h2>Send files here</h2>
<p><label>Files <input type="file" multiple id="files"></label></p><ul id="log"></ul>
<script>
document.getElementById('files').onchange = async (e) => {
  let sent = 0;
  for (const file of e.target.files) {
    const line = document.getElementById('log').appendChild(document.createElement('li'));
    line.textContent = file.name + ': …';
    try {
      const r = await fetch(encodeURIComponent(file.name), {method: 'PUT', body: file});
      line.textContent = file.name + ': ' + (r.ok ? 'sent' : (await r.text()).trim());
      if (r.ok) ++sent;
    } catch (error) { line.textContent = file.name + ': not sent: ' + error.message; }
  }
  if (sent === e.target.files.length) location.reload();
};
</script>
)";

}  // namespace ieum::cli
