#include "fingerprint.h"

#include <fmt/format.h>
#include <sodium.h>

#include <array>
#include <cstdint>

#include "failure.h"

namespace bus::cli {
namespace {

constexpr std::size_t groups = 6;
constexpr std::size_t group_bytes = 5;  // so many that the digits are all as likely

}  // namespace

std::string fingerprint_of(const std::string& public_key) {
    std::array<unsigned char, groups * group_bytes> hash{};
    const auto* const text = reinterpret_cast<const unsigned char*>(public_key.data());
    if (crypto_generichash(hash.data(), hash.size(), text, public_key.size(), nullptr, 0) != 0)
        throw Failure(ExitCode::failed, "libsodium does not hash");
    std::string words;
    for (std::size_t group = 0; group < groups; ++group) {
        std::uint64_t number = 0;
        for (std::size_t i = 0; i < group_bytes; ++i)
            number = (number << 8) | hash.at(group * group_bytes + i);
        words += fmt::format("{}{:05}", group == 0 ? "" : " ", number % 100'000);
    }
    return words;
}

}  // namespace bus::cli
