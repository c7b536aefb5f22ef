// The hex vectors decode to what they say, and PROTOCOL.md shows the same bytes.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "describe.h"
#include "vector_file.h"

using namespace bus;
using test::read_vectors;
using test::Vector;

namespace {

std::filesystem::path source() {
    const char* folder = std::getenv("BUS_SOURCE");
    return folder ? folder : ".";
}

std::map<std::string, Vector> all_vectors() {
    std::map<std::string, Vector> vectors;
    for (const auto& entry : std::filesystem::directory_iterator{source() / "tests/vectors"})
        for (auto& vector : read_vectors(entry.path())) {
            CAPTURE(vector.name);
            CHECK_FALSE(vector.bytes.empty());
            CHECK(vectors.emplace(vector.name, vector).second);
        }
    return vectors;
}

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines) text += line + '\n';
    return text;
}

// Fenced blocks whose fence says "hex NAME".
std::map<std::string, std::vector<std::byte>> vectors_of_protocol_md() {
    std::ifstream in{source() / "libbus/PROTOCOL.md"};
    std::map<std::string, std::vector<std::byte>> found;
    std::string name, hex;
    for (std::string line; std::getline(in, line);) {
        constexpr std::string_view fence = "```hex ";
        if (line.starts_with(fence)) {
            name = line.substr(fence.size());
        } else if (!name.empty() && line == "```") {
            found[name] = test::from_hex(hex);
            name.clear(), hex.clear();
        } else if (!name.empty()) {
            hex += line + '\n';
        }
    }
    return found;
}

}  // namespace

TEST_CASE("every vector decodes to what it says") {
    const auto vectors = all_vectors();
    CHECK(vectors.size() >= 20);
    for (const auto& [name, vector] : vectors) {
        CAPTURE(name);
        CHECK(joined(test::describe(vector.format, vector.bytes)) == joined(vector.decoding));
    }
}

TEST_CASE("every format has vectors that are taken and vectors that are refused") {
    std::map<std::string, int> taken, refused;
    for (const auto& [name, vector] : all_vectors())
        ++(vector.decoding.front().starts_with("refused = ") ? refused : taken)[vector.format];
    for (const char* format : {"batch", "envelope", "link", "receipts", "acks"}) {
        CAPTURE(format);
        CHECK(taken[format] > 0);
        CHECK(refused[format] > 0);
    }
}

TEST_CASE("the hex in PROTOCOL.md is that of the vectors") {
    const auto vectors = all_vectors();
    const auto shown = vectors_of_protocol_md();
    CHECK(shown.size() >= 5);
    for (const auto& [name, bytes] : shown) {
        CAPTURE(name);
        REQUIRE(vectors.contains(name));
        CHECK(vectors.at(name).bytes == bytes);
    }
}
