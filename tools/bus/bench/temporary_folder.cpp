#include "bench/temporary_folder.h"

#include <bus/error.h>
#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace bus::bench {

TemporaryFolder::TemporaryFolder(const std::filesystem::path& parent) {
    std::string name = (parent / "bus-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
        throw Error(fmt::format("{}: no temporary folder here: {} (see --dir)", parent.string(),
                                std::strerror(errno)));
    path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;  // nothing is left to do about it, and the next reboot will
    std::filesystem::remove_all(path_, ignored);
}

}  // namespace bus::bench
