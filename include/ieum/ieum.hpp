// Everything but sim_network.hpp, which is for tests: sockets for C++. Read stream_socket.hpp,
// listener.hpp and task.hpp first.
#pragma once

#include <ieum/address.hpp>
#include <ieum/connect_observer.hpp>
#include <ieum/cores.hpp>
#include <ieum/cores_server.hpp>
#include <ieum/datagram.hpp>
#include <ieum/datagram_batch.hpp>
#include <ieum/datagram_socket.hpp>
#include <ieum/descriptor.hpp>
#include <ieum/descriptor_stream.hpp>
#include <ieum/detached.hpp>
#include <ieum/error.hpp>
#include <ieum/event.hpp>
#include <ieum/explain.hpp>
#include <ieum/finally.hpp>
#include <ieum/group.hpp>
#include <ieum/lease.hpp>
#include <ieum/listener.hpp>
#include <ieum/mailbox.hpp>
#include <ieum/offload.hpp>
#include <ieum/process.hpp>
#include <ieum/resolve.hpp>
#include <ieum/result.hpp>
#include <ieum/runtime.hpp>
#include <ieum/select.hpp>
#include <ieum/send_queue.hpp>
#include <ieum/serve.hpp>
#include <ieum/signals.hpp>
#include <ieum/socket_info.hpp>
#include <ieum/stream.hpp>
#include <ieum/stream_socket.hpp>
#include <ieum/task.hpp>
#include <ieum/time.hpp>
#include <ieum/timeout.hpp>
#include <ieum/unix_socket.hpp>
