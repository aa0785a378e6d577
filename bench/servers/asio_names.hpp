// Asio stands alone or comes with Boost; the servers are the same.
#pragma once

#ifdef BENCH_BOOST
#include <boost/asio.hpp>
namespace net = boost::asio;
using ErrorCode = boost::system::error_code;
#else
#include <asio.hpp>
namespace net = asio;
using ErrorCode = asio::error_code;
#endif
