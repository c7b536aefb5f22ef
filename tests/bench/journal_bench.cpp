// How fast the journal takes batches, beside a raw loop of write and fdatasync
// in the same folder: journal_bench [FOLDER]. Full batches and one-message
// batches; then how long a start takes on what was left, and reading and
// settling it.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>

#include <chrono>
#include <filesystem>

#include "base/clock.h"
#include "journal/writer.h"
#include "support/sample_batch.h"

namespace {

using namespace bus;
namespace fs = std::filesystem;

constexpr std::size_t payload = 100;
constexpr core::StreamId owed{core::DestinationId{1}, wire::Lane::normal};

double seconds_since(Time start) {
    return std::chrono::duration<double>(boot_now() - start).count();
}

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto of = [](const timeval& t) { return double(t.tv_sec) + double(t.tv_usec) / 1e6; };
    return of(usage.ru_utime) + of(usage.ru_stime);
}

core::Batch make(std::uint32_t messages) {
    const std::string text(payload, 'x');
    auto batch = core::OwnedBatch::make(
        test::sample_batch(std::vector<test::SampleMessage>(messages, {text})));
    if (!batch) throw Error("the sample is no batch");
    return *batch;
}

struct Shape {
    const char* name;
    core::Batch batch;
    std::uint64_t batches;
    std::size_t per_submission;
    std::size_t in_flight;  // submissions
};

class Bench {
  public:
    explicit Bench(const fs::path& path) : path_(path) { open(); }

    core::Recovered open() {
        auto store =
            std::make_unique<journal::Store>(journal::StoreOptions{.path = path_.string(),
                                                                   .agent = AgentId{{1, 2}},
                                                                   .wall_micros = wall_micros(),
                                                                   .min_free = 0});
        auto recovered = std::move(store->recovered());
        writer_ = std::make_unique<journal::Writer>(std::move(store));
        return recovered;
    }
    void close() { writer_.reset(); }

    void put(const Shape& shape) {
        run(shape, [&](core::BatchId id, std::vector<core::Change>& changes) {
            changes.emplace_back(core::Put{.id = id, .batch = shape.batch});
            changes.emplace_back(core::Owe{owed, id});
        });
    }
    void settle(const Shape& shape) {
        run(shape, [](core::BatchId id, std::vector<core::Change>& changes) {
            changes.emplace_back(core::Settle{owed, id});
        });
    }
    std::uint64_t read() {
        core::ReadBack request{owed, core::BatchId{0}, limits::stream_read_back, std::nullopt};
        std::uint64_t bytes = 0;
        while (true) {
            writer_->read(request);
            loaded_.reset();
            while (!loaded_) take();
            for (const auto& entry : loaded_->entries) bytes += entry.batch.size();
            if (loaded_->last) return bytes;
            request.after = loaded_->entries.back().id;
        }
    }

  private:
    template <class Fill>
    void run(const Shape& shape, const Fill& fill) {
        std::uint64_t id = 0;
        while (id < shape.batches) {
            core::Transaction transaction{number_ = number_.next(), true, {}};
            for (std::size_t n = 0; n < shape.per_submission && id < shape.batches; ++n)
                fill(core::BatchId{++id}, transaction.changes);
            writer_->submit(std::move(transaction));
            while (number_.value - committed_.value >= shape.in_flight) take();
        }
        while (committed_ < number_) take();
    }
    void take() {
        pollfd ready{writer_->fd(), POLLIN, 0};
        ::poll(&ready, 1, -1);
        journal::Answers answers;
        writer_->take_answers(answers);
        for (auto& answer : answers) {
            if (const auto* committed = std::get_if<core::Committed>(&answer))
                committed_ = committed->through;
            else if (auto* loaded = std::get_if<core::Loaded>(&answer))
                loaded_ = std::move(*loaded);
            else
                throw Error("the journal failed");
        }
    }

    fs::path path_;
    std::unique_ptr<journal::Writer> writer_;
    core::Submission number_, committed_;
    std::optional<core::Loaded> loaded_;
};

// Appends blocks of the given size, each followed by fdatasync.
double raw_megabytes_per_second(const fs::path& path, std::size_t block, std::uint64_t total) {
    const UniqueFd fd{::open(path.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600)};
    const std::vector<std::byte> bytes(block, std::byte{'x'});
    const Time start = boot_now();
    for (std::uint64_t written = 0; written < total; written += block)
        if (::write(fd.get(), bytes.data(), block) < 0 || ::fdatasync(fd.get()) != 0)
            throw Error("the raw loop cannot write");
    const double seconds = seconds_since(start);
    fs::remove(path);
    return double(total) / 1e6 / seconds;
}

void report(const char* what, const Shape& shape, double seconds, double cpu) {
    const double batches = double(shape.batches);
    const double bytes = batches * double(shape.batch.size());
    fmt::print(
        "{:<8} {:<8} {:>7.1f} MB/s {:>11.0f} batches/s {:>12.0f} messages/s {:>6.2f} s, cpu {:.2f} "
        "s\n",
        shape.name, what, bytes / 1e6 / seconds, batches / seconds,
        batches * shape.batch.messages() / seconds, seconds, cpu);
}

template <class Work>
void timed(const char* what, const Shape& shape, const Work& work) {
    const Time start = boot_now();
    const double cpu = cpu_seconds();
    work();
    report(what, shape, seconds_since(start), cpu_seconds() - cpu);
}

void bench(const fs::path& folder, const Shape& shape) {
    Bench journal{folder / (std::string{shape.name} + ".db")};
    timed("put", shape, [&] { journal.put(shape); });
    journal.close();
    const Time start = boot_now();
    const auto recovered = journal.open();
    fmt::print("{:<8} start    {:.3f} s, {} entries\n", shape.name, seconds_since(start),
               recovered.streams.empty() ? 0 : recovered.streams.front().entries);
    timed("read", shape, [&] { journal.read(); });
    timed("settle", shape, [&] { journal.settle(shape); });
}

}  // namespace

int main(int argc, char** argv) {
    const fs::path folder = (argc > 1 ? fs::path{argv[1]} : fs::temp_directory_path()) /
                            ("journal_bench." + std::to_string(::getpid()));
    const std::uint64_t scale = argc > 2 ? std::stoull(argv[2]) : 1;
    fs::create_directories(folder);
    for (const std::size_t block : {16 << 10, 1 << 20})
        fmt::print("raw write+fdatasync of {:>7} bytes: {:.1f} MB/s\n", block,
                   raw_megabytes_per_second(folder / "raw", block, std::uint64_t{block} * 300));
    const core::Batch full = make(590), single = make(1);
    bench(folder, {"full", full, 8'000 * scale, 8, 8});
    bench(folder, {"single", single, 500'000 * scale, 64, 64});
    bench(folder, {"lone", single, 100'000 * scale, 1, 256});
    fs::remove_all(folder);
}
