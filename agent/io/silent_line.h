// Lines that have gone silent, as their kernel sees them. TCP_USER_TIMEOUT
// would be simpler and is wrong here: it runs from the first retransmission
// until all of that loss is repaired, which takes longer than 8 s on a line of
// 50 kbit/s that is up and full. So what counts is any packet of the other
// side, and a connection from which none comes is shut down: libzmq then
// reports its end like any other.
#pragma once

#include <netinet/tcp.h>

#include <chrono>

namespace bus::io {

// With a keepalive of the core every 2 s, a silent line is noticed within 10 s.
inline constexpr std::chrono::milliseconds line_silence_max{8'000};

// Something is on its way that the other kernel has not acknowledged, and nothing at all has come
// from it for `longest`. What has been acknowledged proves nothing: the line may just be idle.
bool is_silent(const tcp_info& line, std::chrono::milliseconds longest);

// Ends the connection of a descriptor that libzmq owns, if its line is silent. Whatever else the
// descriptor has become meanwhile is left alone.
void shut_down_if_silent(int fd);

}  // namespace bus::io
