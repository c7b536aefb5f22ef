#include "io/silent_line.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

namespace bus::io {
namespace {

// Of a full window, or of a packet that this host's own firewall drops: each answer sets their
// count to zero, so that one may be on its way.
constexpr unsigned unanswered_probes = 2;

}  // namespace

bool is_silent(const tcp_info& line, std::chrono::milliseconds longest) {
    const std::chrono::milliseconds heard{
        std::min(line.tcpi_last_ack_recv, line.tcpi_last_data_recv)};
    const bool owes_answer = line.tcpi_unacked > 0 || line.tcpi_probes >= unanswered_probes;
    return line.tcpi_state == TCP_ESTABLISHED && owes_answer && heard >= longest;
}

void shut_down_if_silent(int fd) {
    tcp_info line{};
    socklen_t size = sizeof line;
    if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &line, &size) != 0) return;  // it has just ended
    if (is_silent(line, line_silence_max)) (void)::shutdown(fd, SHUT_RDWR);
}

}  // namespace bus::io
