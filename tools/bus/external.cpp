#include "external.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>

#include "failure.h"

namespace bus::cli {
namespace {

// Levenshtein's: insertions, deletions and replacements.
std::size_t edits_between(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0]++;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

}  // namespace

void become_external(const std::string& name, char** argv) {
    const std::string program = "bus-" + name;
    ::execvp(program.c_str(), argv);
    if (errno != ENOENT && errno != ENOTDIR)
        throw Failure(ExitCode::failed, fmt::format("{}: {}", program, std::strerror(errno)));
}

std::optional<std::string> similar(std::string_view word,
                                   const std::vector<std::string>& candidates) {
    const auto nearest = std::min_element(
        candidates.begin(), candidates.end(), [&](const std::string& a, const std::string& b) {
            return edits_between(word, a) < edits_between(word, b);
        });
    if (nearest == candidates.end()) return std::nullopt;
    const std::size_t edits_max = std::max<std::size_t>(1, nearest->size() / 3);
    if (edits_between(word, *nearest) > edits_max) return std::nullopt;
    return *nearest;
}

}  // namespace bus::cli
