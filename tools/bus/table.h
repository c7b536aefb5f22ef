// Rows under headings, in aligned columns: text to the left, figures to the right.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace bus::cli {

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
    bool is_empty() const noexcept { return rows_.empty(); }
    // Lines that end in a newline, each behind `indent`, two spaces between columns.
    std::string text(std::string_view indent = "") const;

  private:
    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace bus::cli
