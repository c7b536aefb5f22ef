#include "paragraph.h"

#include <algorithm>

#include "table.h"

namespace bus::cli {

std::string paragraph(std::string_view begin, std::string_view text) {
    const std::size_t margin = width_of(begin);
    std::string lines{begin};
    std::size_t column = margin;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        if (column > margin && column + 1 + width_of(word) > columns_max) {
            lines += "\n" + std::string(margin, ' ');
            column = margin;
        } else if (column > margin) {
            lines += ' ';
            ++column;
        }
        lines += word;
        column += width_of(word);
    }
    return lines + "\n";
}

}  // namespace bus::cli
