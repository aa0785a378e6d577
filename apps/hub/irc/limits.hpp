// Limits of the hub, by name: what clients are told (RPL_ISUPPORT), what the documentation says and
// what the code does all come from here.
#pragma once

#include <chrono>
#include <cstddef>

namespace ieum::hub::limits {

using namespace std::chrono_literals;

// ---- A line
// ---------------------------------------------------------------------------------------
inline constexpr std::size_t line_bytes = 512;             // with CR LF, without the tags
inline constexpr std::size_t client_tags_bytes = 4096;     // with '@' and the space behind them
inline constexpr std::size_t tags_bytes = 8191;            // what a server may send, with both
inline constexpr std::size_t params = 15;                  // RFC 1459, 2.3
inline constexpr std::size_t tags_count = 64;              // of a line
inline constexpr std::size_t received_bytes = 4096 + 512;  // of a line in all

// ---- Names and texts, in bytes
// --------------------------------------------------------------------
inline constexpr std::size_t nick_bytes = 32;
inline constexpr std::size_t user_bytes = 20;
inline constexpr std::size_t realname_bytes = 150;
inline constexpr std::size_t channel_bytes = 64;
inline constexpr std::size_t topic_bytes = 390;
inline constexpr std::size_t kick_bytes = 300;
inline constexpr std::size_t away_bytes = 200;
inline constexpr std::size_t quit_bytes = 300;
inline constexpr std::size_t key_bytes = 23;
inline constexpr std::size_t account_bytes = 32;
inline constexpr std::size_t password_bytes_min = 6;
inline constexpr std::size_t password_bytes = 300;
inline constexpr std::size_t once_bytes = 64;  // a `+ieum/once` id
inline constexpr std::size_t label_bytes = 64;
inline constexpr std::size_t token_days = 3'650;

// ---- Counts
// ---------------------------------------------------------------------------------------
inline constexpr std::size_t rooms_per_client = 100;
inline constexpr std::size_t members_per_room = 10'000;
inline constexpr std::size_t rooms = 100'000;
inline constexpr std::size_t targets = 4;         // of PRIVMSG, NOTICE, TAGMSG
inline constexpr std::size_t modes = 6;           // with a parameter, of one MODE
inline constexpr std::size_t list_entries = 100;  // of each of b, e and I
inline constexpr std::size_t monitor = 100;
inline constexpr std::size_t whowas = 1'000;          // remembered in all
inline constexpr std::size_t history_messages = 100;  // of one CHATHISTORY
inline constexpr std::size_t replay_messages = 50;    // on JOIN, to those who cannot ask
inline constexpr std::size_t invites_per_client = 50;
inline constexpr std::size_t devices_per_user = 10;
inline constexpr std::size_t sasl_bytes = 1'200;  // of a whole response, in base64
inline constexpr std::size_t sasl_chunk_bytes = 400;
inline constexpr std::size_t hashes_at_once = 2;  // of passwords

// ---- Rates, queues and times (those that the configuration may change have their default here)
// ----
inline constexpr std::size_t burst_lines = 100;      // of a connection, at once
inline constexpr std::size_t lines_per_second = 20;  // from then on
inline constexpr std::size_t flood_lines = 2'000;    // read ahead of that rate, then cut
inline constexpr std::size_t clients = 10'000;
inline constexpr std::size_t connections_per_address = 64;
inline constexpr std::size_t queue_bytes = std::size_t{1} << 20U;  // to one client
inline constexpr std::size_t failures_per_connection = 3;          // of passwords, then cut
inline constexpr auto registration_time = 60s;
inline constexpr auto handshake_time = 10s;
inline constexpr auto ping_after = 90s;    // of silence
inline constexpr auto ping_timeout = 60s;  // for the answer
inline constexpr auto linger = 120s;       // of a session that was lost
inline constexpr auto commit_time = 10s;   // then "unknown, try again"
inline constexpr auto keep_alive = 25s;    // between signs of life in a stream of events
inline constexpr auto farewell_time = 2s;  // to take the last lines
inline constexpr auto drain_time = 5s;
inline constexpr auto resume_age = std::chrono::hours(24 * 30);
inline constexpr auto return_spread = 30s;  // over which clients are asked to return

}  // namespace ieum::hub::limits
