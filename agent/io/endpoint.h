// "tcp://host:port" as it stands in a configuration, taken apart.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bus::io {

struct TcpEndpoint {
    std::string host;  // a name or an address, without the brackets of IPv6
    std::uint16_t port = 0;

    bool is_numeric() const;
    bool is_ipv6() const { return host.find(':') != std::string::npos; }
    // The form libzmq wants.
    std::string text() const;
    friend bool operator==(const TcpEndpoint&, const TcpEndpoint&) = default;
};

// nullopt: not of that form, or a port that is none. Port 0 is taken: a listener lets the system
// choose.
std::optional<TcpEndpoint> parse_tcp(std::string_view text);

}  // namespace bus::io
