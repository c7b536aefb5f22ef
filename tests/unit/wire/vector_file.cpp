#include "vector_file.h"

#include <fstream>
#include <stdexcept>

namespace bus::test {
namespace {

unsigned digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    throw std::runtime_error{std::string{"no hexadecimal digit: "} + c};
}

void add_line(Vector& vector, const std::string& line) {
    constexpr std::string_view hex = "hex = ";
    if (!line.starts_with(hex)) {
        vector.decoding.push_back(line);
        return;
    }
    const auto bytes = from_hex(line.substr(hex.size()));
    vector.bytes.insert(vector.bytes.end(), bytes.begin(), bytes.end());
}

}  // namespace

std::vector<std::byte> from_hex(std::string_view hex) {
    std::vector<std::byte> bytes;
    bool half = false;
    for (const char c : hex) {
        if (c == ' ' || c == '\n') continue;
        if (!half) bytes.push_back(std::byte{0});
        bytes.back() = bytes.back() << 4 | static_cast<std::byte>(digit(c));
        half = !half;
    }
    if (half) throw std::runtime_error{"an odd number of hexadecimal digits"};
    return bytes;
}

std::vector<Vector> read_vectors(const std::filesystem::path& file) {
    std::ifstream in{file};
    if (!in) throw std::runtime_error{file.string() + ": cannot be read"};
    std::vector<Vector> vectors;
    for (std::string line; std::getline(in, line);) {
        if (line.empty() || line.front() == '#') continue;
        if (line.front() == '[') {
            const std::string name = line.substr(1, line.size() - 2);
            vectors.push_back({name, name.substr(0, name.find('/')), {}, {}});
        } else if (vectors.empty()) {
            throw std::runtime_error{file.string() + ": a line before the first [name]"};
        } else {
            add_line(vectors.back(), line);
        }
    }
    return vectors;
}

}  // namespace bus::test
