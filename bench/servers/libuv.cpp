// The benchmark's server with libuv: one buffer for all connections, written at once where the
// socket takes it. What it leaves over is copied and queued; meanwhile that connection is not read.
#include <uv.h>

#include <array>

#include "servers/server.hpp"

namespace {

struct Rest {
  uv_write_t request;
  uv_buf_t data;
};

std::array<char, bench::buffer_bytes> buffer;
bool echoes;

void on_room(uv_handle_t* /*handle*/, size_t /*suggested*/, uv_buf_t* room) {
  *room = uv_buf_init(buffer.data(), buffer.size());
}

void end(uv_stream_t* stream) {
  auto* handle = reinterpret_cast<uv_handle_t*>(stream);
  if (uv_is_closing(handle) != 0) return;
  uv_close(handle, [](uv_handle_t* closed) { std::free(closed); });
}

void on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* data);

void on_rest_written(uv_write_t* request, int status) {
  uv_stream_t* stream = request->handle;
  Rest* rest = reinterpret_cast<Rest*>(request);
  std::free(rest->data.base);
  std::free(rest);
  if (status < 0) return end(stream);
  uv_read_start(stream, on_room, on_read);
}

void write_later(uv_stream_t* stream, const char* data, std::size_t size) {
  auto* rest = static_cast<Rest*>(std::malloc(sizeof(Rest)));
  auto* copy = static_cast<char*>(std::malloc(size));
  if (rest == nullptr || copy == nullptr) bench::die("malloc", ENOMEM);
  std::memcpy(copy, data, size);
  rest->data = uv_buf_init(copy, static_cast<unsigned>(size));
  uv_read_stop(stream);
  if (uv_write(&rest->request, stream, &rest->data, 1, on_rest_written) < 0) {
    std::free(copy);
    std::free(rest);
    end(stream);
  }
}

void on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* data) {
  if (count < 0) return end(stream);
  if (count == 0 || !echoes) return;
  const uv_buf_t all = uv_buf_init(data->base, static_cast<unsigned>(count));
  int written = uv_try_write(stream, &all, 1);
  if (written == UV_EAGAIN) written = 0;
  if (written < 0) return end(stream);
  if (written < count) {
    write_later(stream, data->base + written, static_cast<std::size_t>(count - written));
  }
}

void on_client(uv_stream_t* listener, int status) {
  if (status < 0) return;
  auto* client = static_cast<uv_tcp_t*>(std::malloc(sizeof(uv_tcp_t)));
  if (client == nullptr) bench::die("malloc", ENOMEM);
  uv_tcp_init(listener->loop, client);
  auto* stream = reinterpret_cast<uv_stream_t*>(client);
  if (uv_accept(listener, stream) < 0 || uv_read_start(stream, on_room, on_read) < 0) end(stream);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::parse(argc, argv);
  echoes = options.echo;
  uv_loop_t* loop = uv_default_loop();
  uv_tcp_t listener;
  uv_tcp_init(loop, &listener);
  int status = uv_tcp_open(&listener, bench::listen(options, SOCK_NONBLOCK));
  if (status == 0) {
    status = uv_listen(reinterpret_cast<uv_stream_t*>(&listener), bench::backlog, on_client);
  }
  if (status < 0) bench::die("uv_listen", -status);
  uv_run(loop, UV_RUN_DEFAULT);
}
