// Downloads a URL to a file: download http://127.0.0.1:8000/film.ts film.ts
// Shows http::Client: redirects are followed, and the body goes to the file as it comes, whatever
// its size.
#include <fcntl.h>

#include <cstdio>

#include <ieum/descriptor_stream.hpp>
#include <ieum/http/client.hpp>
#include <ieum/ieum.hpp>

using namespace ieum;

Task<> download(const char* url, const char* path) {
  http::Client client;
  http::Reply reply = co_await client.get(url);
  if (!reply.is_success()) {
    co_await fail(Error(std::errc::io_error, "download")
                      .with_name(url)
                      .with_detail("the server answers " + std::to_string(number(reply.status()))));
  }
  const Descriptor file(::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file.is_open()) co_await fail(Error::from_errno(errno, "open"));
  DescriptorStream output =
      co_await DescriptorStream::open(file.number(), DescriptorStream::Direction::output);
  const std::uint64_t bytes = co_await reply.body().write_to(output);
  std::printf("%llu bytes of %s\n", static_cast<unsigned long long>(bytes),
              reply.url().to_string().c_str());
}

int main(int count, char** words) {
  if (count != 3) {
    std::fputs("usage: download URL FILE\n", stderr);
    return 2;
  }
  return run_main(download(words[1], words[2]));
}
