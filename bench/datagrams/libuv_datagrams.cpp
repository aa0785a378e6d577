// The datagram server with libuv, which receives many with one call (UV_UDP_RECVMMSG) and sends at
// once.
#include <uv.h>

#include "datagrams/server.hpp"

namespace {

std::uint64_t received;
bool echoes;
std::array<char, 20 * bench::datagram_bytes_max> buffer;  // as many as libuv takes at once

void on_room(uv_handle_t* /*handle*/, size_t /*suggested*/, uv_buf_t* room) {
  *room = uv_buf_init(buffer.data(), buffer.size());
}

void on_datagram(uv_udp_t* socket, ssize_t count, const uv_buf_t* data, const sockaddr* from,
                 unsigned /*flags*/) {
  if (count < 0 || from == nullptr) return;
  if (count == 1) {
    uv_os_fd_t number = 0;
    uv_fileno(reinterpret_cast<uv_handle_t*>(socket), &number);
    bench::Report report(number, received);
    const uv_buf_t text = uv_buf_init(report.text.data(), static_cast<unsigned>(report.size));
    uv_udp_try_send(socket, &text, 1, from);
    return;
  }
  ++received;
  const uv_buf_t back = uv_buf_init(data->base, static_cast<unsigned>(count));
  if (echoes) uv_udp_try_send(socket, &back, 1, from);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::DatagramOptions options = bench::parse(argc, argv);
  echoes = options.echo;
  uv_loop_t* loop = uv_default_loop();
  uv_udp_t socket;
  if (uv_udp_init_ex(loop, &socket, AF_UNSPEC | UV_UDP_RECVMMSG) < 0) bench::die("uv_udp_init", 0);
  if (uv_udp_open(&socket, bench::open_socket(0)) < 0) bench::die("uv_udp_open", 0);
  if (uv_udp_recv_start(&socket, on_room, on_datagram) < 0) bench::die("uv_udp_recv_start", 0);
  uv_run(loop, UV_RUN_DEFAULT);
}
