#include "base/suggestion.h"

#include <algorithm>
#include <vector>

namespace bus {
namespace {

// Optimal string alignment distance: insertions, deletions, replacements, exchanges of neighbours.
std::size_t typing_errors(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
    for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i)
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t differ = a[i - 1] == b[j - 1] ? 0 : 1;
            d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + differ});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[a.size()][b.size()];
}

}  // namespace

std::string did_you_mean(std::string_view written, std::span<const std::string_view> candidates) {
    constexpr std::size_t length_max = 64;
    if (written.size() > length_max) return {};
    std::string_view nearest;
    std::size_t least = 1 + std::max<std::size_t>(1, written.size() / 3);
    for (const std::string_view candidate : candidates) {
        const std::size_t errors = typing_errors(written, candidate);
        if (errors < least) nearest = candidate, least = errors;
    }
    return nearest.empty() ? "" : "; did you mean \"" + std::string{nearest} + "\"?";
}

}  // namespace bus
