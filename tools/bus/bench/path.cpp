#include "bench/path.h"

#include <algorithm>
#include <filesystem>

namespace bus::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto start_patience = 20s;
// Beyond the run itself: for what is still on its way, and for libbus to give up.
constexpr auto run_patience = 180s;
constexpr auto silence_patience = 10s;
constexpr auto lost_patience = 1s;  // some will not come
constexpr auto end_patience = 10s;

double seconds(std::chrono::nanoseconds duration) {
    return std::chrono::duration<double>(duration).count();
}

struct Spent {
    std::chrono::nanoseconds cpu{0};
    std::uint64_t disk_bytes = 0;
};
Spent spent_by(const Path& path, const Pair& pair) {
    Spent spent{.cpu = pair.cpu()};
    for (const Process* process : path.middle()) {
        spent.cpu += process->cpu();
        spent.disk_bytes += process->disk_bytes_written();
    }
    return spent;
}

}  // namespace

void Sample::add(const Sample& other) {
    messages += other.messages;
    lost += other.lost;
    duplicates += other.duplicates;
    duplicates_unmarked += other.duplicates_unmarked;
    not_safe += other.not_safe;
    disk_bytes += other.disk_bytes;
    seconds += other.seconds;
    cpu_seconds += other.cpu_seconds;
    latency.add(other.latency);
}

double Sample::messages_per_second() const {
    return seconds > 0 ? static_cast<double>(messages) / seconds : 0;
}
double Sample::cpu_seconds_per_million() const {
    return messages > 0 ? cpu_seconds * 1e6 / static_cast<double>(messages) : 0;
}

Pair::Pair(Path& path, const Load& load, int interruption) : interruption_(interruption) {
    path.next_channel();
    consumer_ = path.start_consumer(load);
    consumer_->hear(start_patience, interruption_);
    producer_ = path.start_producer(load);
    producer_->hear(start_patience, interruption_);
    consumer_->hear(start_patience, interruption_);
}

void Pair::begin(const Run& run) { producer_->say(to_line(run)); }

Sent Pair::sent(std::chrono::seconds patience) {
    return sent_from(producer_->hear(patience, interruption_));
}

Sent Pair::send(const Run& run) {
    begin(run);
    // A run that counts messages takes as long as the path needs.
    const auto length = run.messages > 0
                            ? std::chrono::seconds{1h}
                            : std::chrono::seconds{static_cast<std::int64_t>(run.seconds)};
    return sent(length + run_patience);
}

Received Pair::receive(std::uint64_t total, std::chrono::seconds patience) {
    consumer_->say(to_line(
        Expect{.total = total, .patience_seconds = static_cast<std::uint32_t>(patience.count())}));
    return received_from(consumer_->hear(1h, interruption_));
}

void Pair::end() {
    producer_->finish(end_patience);
    consumer_->finish(end_patience);
}

std::chrono::nanoseconds Pair::cpu() const { return consumer_->cpu() + producer_->cpu(); }

Sample measure(Path& path, const Load& load, const Run& run, int interruption) {
    Pair pair{path, load, interruption};
    const Spent before = spent_by(path, pair);
    const Sent sent = pair.send(run);
    const Received received =
        pair.receive(sent.total, load.best_effort ? lost_patience : silence_patience);
    const Spent after = spent_by(path, pair);
    pair.end();
    // (The raw pipe counts frames.)
    const auto arrived =
        sent.total == 0 ? 0 : sent.messages * std::min(received.distinct, sent.total) / sent.total;
    return {.messages = load.best_effort ? arrived : sent.messages,
            .lost = sent.total - std::min(sent.total, received.distinct),
            .duplicates = received.duplicates,
            .duplicates_unmarked = received.duplicates_unmarked,
            .not_safe = sent.not_safe,
            .disk_bytes = after.disk_bytes - before.disk_bytes,
            .seconds = static_cast<double>(received.last_nanos - sent.first_nanos) / 1e9,
            .cpu_seconds = seconds(after.cpu - before.cpu),
            .latency = received.latency};
}

Received Pair::request(const Run& run) {
    begin(run);
    const std::chrono::seconds length{static_cast<std::int64_t>(run.seconds)};
    return received_from(producer_->hear(length + run_patience, interruption_));
}

Sample measure_requests(Path& path, const Load& load, const Run& run, int interruption) {
    Pair pair{path, load, interruption};
    const Spent before = spent_by(path, pair);
    const Received answers = pair.request(run);
    const Spent after = spent_by(path, pair);
    pair.end();
    return {.messages = answers.distinct,
            .disk_bytes = after.disk_bytes - before.disk_bytes,
            .seconds = run.seconds,
            .cpu_seconds = seconds(after.cpu - before.cpu),
            .latency = answers.latency};
}

std::unique_ptr<Process> start_role(const Role& role) {
    Process::Spawn spawn{.command = {std::filesystem::read_symlink("/proc/self/exe").string()}};
    const std::vector<std::string> arguments = role.arguments();
    spawn.command.insert(spawn.command.end(), arguments.begin(), arguments.end());
    return std::make_unique<Process>("the " + role.name, spawn);
}

}  // namespace bus::bench
