#include "observe/log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace bus::observe {
namespace {

using namespace std::chrono_literals;
using Kind = core::Event::Kind;

constexpr Duration repeat_after = 60s;
constexpr unsigned lines_a_minute_max = 300;
constexpr std::size_t remembered_max = 1'000;

// What kind of thing the subject names.
std::string_view noun_of(Kind kind) {
    switch (kind) {
        case Kind::link_up:
        case Kind::link_down:
        case Kind::link_refused:
        case Kind::link_gap:
        case Kind::link_duplicate_closed:
            return "link ";
        case Kind::session_opened:
        case Kind::session_closed:
            return "app ";
        case Kind::subscription_added:
        case Kind::subscription_removed:
        case Kind::subscription_changed:
        case Kind::subscription_lapsing:
            return "subscription ";
        case Kind::channel_held:
        case Kind::channel_resumed:
            return "channel ";
        case Kind::queue_unattended:
        case Kind::queue_attended:
            return "queue ";
        case Kind::peer_removed:
            return "peer ";
        default:
            return "";
    }
}

}  // namespace

std::string line_of(const core::Event& event) {
    std::string line{noun_of(event.kind)};
    line += event.subject;
    if (!event.words.empty()) (line += line.empty() ? "" : ": ") += event.words;
    return line;
}

Severity severity_of(Kind kind) {
    switch (kind) {
        case Kind::journal_failed:
        case Kind::journal_damaged:
        case Kind::journal_full:
        case Kind::dead_letters_dropped:
        case Kind::history_lost:
            return Severity::error;
        case Kind::link_refused:
        case Kind::link_down:
        case Kind::link_gap:
        case Kind::channel_held:
        case Kind::subscription_lapsing:
        case Kind::rule_denied:
        case Kind::last_values_dropped:
        case Kind::descriptors_scarce:
            return Severity::warning;
        default:
            return Severity::info;
    }
}

bool stderr_is_journal() {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat status {};
    if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return false;
    return stream == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

void Log::event(const core::Event& event, Time now) {
    if (core::is_batch_event(event.kind)) return;
    say(severity_of(event.kind), line_of(event), now);
}

void Log::say(Severity severity, std::string_view line, Time now) {
    if (is_repeat(line, now) || !has_budget(now)) {
        ++suppressed_;
        ++suppressed_total_;
        return;
    }
    write(severity, line);
}

bool Log::is_repeat(std::string_view line, Time now) {
    const auto [found, fresh] = said_.try_emplace(std::string{line}, now);
    if (!fresh && now - found->second < repeat_after) return true;
    found->second = now;
    if (said_.size() > remembered_max)
        std::erase_if(said_, [&](const auto& old) { return now - old.second >= repeat_after; });
    if (said_.size() > remembered_max) said_.clear();
    return false;
}

bool Log::has_budget(Time now) {
    if (now - minute_ >= 60s) {
        tell_suppressed(now);
        minute_ = now;
        lines_ = 0;
    }
    return ++lines_ <= lines_a_minute_max;
}

void Log::tell_suppressed(Time) {
    if (suppressed_ == 0) return;
    write(Severity::notice,
          "log: " + std::to_string(suppressed_) + " lines were repeats or too many, and left out");
    suppressed_ = 0;
}

void Log::write(Severity severity, std::string_view line) {
    std::string text;
    if (priorities_) text = "<" + std::to_string(static_cast<int>(severity)) + ">";
    // One line is one line, whatever a peer or a file name brings along.
    for (const char c : line) text += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    text += '\n';
    std::fwrite(text.data(), 1, text.size(), out_);
    std::fflush(out_);
}

}  // namespace bus::observe
