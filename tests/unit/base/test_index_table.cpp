#include "base/index_table.h"

#include <doctest/doctest.h>

#include <map>
#include <random>

using bus::IndexTable;

namespace {

// Few hashes, so that many elements share one.
std::uint32_t hash_of(std::uint32_t element) { return element % 50 * 0x1000'0001u; }

std::uint32_t find(const IndexTable& table, std::uint32_t element) {
    return table.find(hash_of(element), [&](std::uint32_t at) { return at == element; });
}

}  // namespace

TEST_CASE("an index table knows what was inserted and not erased, whatever collides") {
    IndexTable table;
    std::map<std::uint32_t, bool> there;
    std::mt19937 random{7};
    for (int step = 0; step < 20'000; ++step) {
        const std::uint32_t element = static_cast<std::uint32_t>(random() % 300);
        if (std::exchange(there[element], !there[element]))
            table.erase(hash_of(element), element);
        else
            table.insert(hash_of(element), element);
    }
    std::size_t size = 0;
    for (std::uint32_t element = 0; element < 300; ++element) {
        CHECK((find(table, element) != IndexTable::none) == there[element]);
        size += there[element] ? 1 : 0;
    }
    CHECK(table.size() == size);
}

TEST_CASE("an empty index table finds nothing, and takes no memory before its first element") {
    IndexTable table;
    CHECK(table.bytes() == 0);
    CHECK(find(table, 1) == IndexTable::none);
}

TEST_CASE("an index table gives memory back") {
    IndexTable table;
    for (std::uint32_t at = 0; at < 10'000; ++at) table.insert(at * 2'654'435'761u, at);
    const auto full = table.bytes();
    CHECK(full <= 10'000 * 8 * 2);
    for (std::uint32_t at = 0; at < 10'000; ++at) table.erase(at * 2'654'435'761u, at);
    CHECK(table.size() == 0);
    CHECK(table.bytes() < full / 100);
}
