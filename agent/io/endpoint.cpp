#include "io/endpoint.h"

#include <arpa/inet.h>

#include <charconv>

namespace bus::io {

bool TcpEndpoint::is_numeric() const {
    unsigned char address[16];
    return ::inet_pton(is_ipv6() ? AF_INET6 : AF_INET, host.c_str(), address) == 1;
}

std::string TcpEndpoint::text() const {
    const std::string bracketed = is_ipv6() ? "[" + host + "]" : host;
    return "tcp://" + bracketed + ":" + std::to_string(port);
}

std::optional<TcpEndpoint> parse_tcp(std::string_view text) {
    constexpr std::string_view scheme = "tcp://";
    if (!text.starts_with(scheme)) return std::nullopt;
    text.remove_prefix(scheme.size());
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;

    TcpEndpoint endpoint;
    const std::string_view digits = text.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), endpoint.port);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;

    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    endpoint.host = host;
    if (host.empty() || (endpoint.is_ipv6() && !endpoint.is_numeric())) return std::nullopt;
    return endpoint;
}

}  // namespace bus::io
