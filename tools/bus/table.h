// Rows under headings, in aligned columns: text to the left, figures to the right.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bus::cli {

// Columns of a terminal; UTF-8 continuation bytes take none.
std::size_t width_of(std::string_view text);

class Table {
  public:
    enum class Align { left, right };
    struct Column {
        std::string heading;
        Align align = Align::left;
    };
    explicit Table(std::vector<Column> columns);

    // Requires: as many cells as there are columns.
    void add(std::vector<std::string> row);
    // Lines of its own behind the last row, each ended by a newline.
    void note(std::string lines) { notes_[rows_.size()] += std::move(lines); }
    bool is_empty() const noexcept { return rows_.empty(); }
    // Lines that end in a newline, each behind `indent`, two spaces between columns.
    std::string text(std::string_view indent = "") const;

  private:
    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
    std::map<std::size_t, std::string> notes_;  // by how many rows are before them
};

}  // namespace bus::cli
