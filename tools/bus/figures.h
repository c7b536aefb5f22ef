// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace bus::cli {

std::string grouped(std::uint64_t number);                            // 1,234,567
std::string counted(std::uint64_t number, const std::string& thing);  // 1 app, 1,234 apps
std::string in_bytes(std::uint64_t bytes);                            // 512 B, 1.5 KiB, 20.0 GiB
std::string in_millis(std::uint64_t millis);  // 250 ms, 1.2 s, 3 min, 5 h, 2 days
std::string significant(double number);  // three digits that matter: 0.00123, 1.23, 123, 12,345

}  // namespace bus::cli
