// tests/vectors/*.txt: one vector is a line "[format/name]", "hex = ..." lines
// that are joined, and the expected decoding. Lines that begin with # are for people.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace bus::test {

struct Vector {
    std::string name;    // "batch/one message"
    std::string format;  // "batch"
    std::vector<std::byte> bytes;
    std::vector<std::string> decoding;
};

// Throws std::runtime_error where the file is no such file.
std::vector<Vector> read_vectors(const std::filesystem::path& file);

// Blanks are ignored. Throws std::runtime_error.
std::vector<std::byte> from_hex(std::string_view hex);

}  // namespace bus::test
