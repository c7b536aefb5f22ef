// A journal in a folder of its own that goes with the test. A crash leaves what
// the kernel has of its files, as SIGKILL would: they are copied while the
// journal is still open.
#pragma once

#include <doctest/doctest.h>
#include <poll.h>

#include <deque>
#include <filesystem>
#include <memory>

#include "journal/open_database.h"
#include "journal/writer.h"

namespace bus::journal {

class TemporaryFolder {
  public:
    explicit TemporaryFolder(
        const std::filesystem::path& under = std::filesystem::temp_directory_path()) {
        std::string name = (under / "journal-test-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

  private:
    std::filesystem::path path_;
};

class TemporaryJournal {
  public:
    StoreOptions options{.path = {},
                         .agent = AgentId{{0xA, 0xB}},
                         .wall_micros = 1'700'000'000'000'000,
                         .max_bytes = limits::journal_bytes_default,
                         .min_free = 0,
                         .wal_bytes = 256 * limits::KiB,
                         .ballast_bytes = 64 * limits::KiB,
                         .vfs = nullptr};

    core::Recovered start() {
        options.path = path().string();
        options.wall_micros += 1'000'000;
        auto store = std::make_unique<Store>(options);
        core::Recovered recovered = std::move(store->recovered());
        writer_ = std::make_unique<Writer>(std::move(store));
        return recovered;
    }
    void submit(core::Transaction transaction) { writer_->submit(std::move(transaction)); }
    void read(const core::ReadBack& request) { writer_->read(request); }
    void find(const core::FindDeadLetters& request) { writer_->find(request); }
    core::JournalAnswer next() {
        while (answers_.empty()) {
            pollfd ready{writer_->fd(), POLLIN, 0};
            REQUIRE_MESSAGE(::poll(&ready, 1, 10'000) == 1, "the journal does not answer");
            Answers taken;
            writer_->take_answers(taken);
            for (auto& one : taken) answers_.push_back(std::move(one));
        }
        core::JournalAnswer answer = std::move(answers_.front());
        answers_.pop_front();
        return answer;
    }
    void stop() {
        writer_.reset();
        answers_.clear();
    }
    void crash() {
        const auto from = path();
        auto copy = std::make_unique<TemporaryFolder>();
        // The mark first: it must not be ahead of what is copied after it.
        for (const std::string suffix : {"-mark", "", "-wal"})
            if (std::filesystem::exists(from.string() + suffix))
                std::filesystem::copy_file(from.string() + suffix,
                                           (*copy / ("journal.db" + suffix)));
        stop();
        folder_ = std::move(copy);
    }
    std::filesystem::path path() const { return *folder_ / "journal.db"; }

  private:
    std::unique_ptr<TemporaryFolder> folder_ = std::make_unique<TemporaryFolder>();
    std::unique_ptr<Writer> writer_;
    std::deque<core::JournalAnswer> answers_;
};

}  // namespace bus::journal
