#include "sending.h"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "command.h"
#include "figures.h"
#include "interruption.h"
#include "message_source.h"
#include "payload_file.h"
#include "question.h"

namespace bus::cli {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;

// Of messages without a receipt. Half of libbus's outbox, so that it never has to refuse.
constexpr std::size_t pending_bytes_max = 8 * 1024 * 1024;
constexpr std::size_t message_overhead = 128;
// How soon Ctrl-C is noticed, and progress shown, while a receipt is awaited.
constexpr auto glance = 200ms;
constexpr auto room_patience = 60s;
// Below it a message is one batch, or a few of them.
constexpr std::uint64_t streamed_from = 256 * 1024;

ConnectOptions connect_options(const SendingOptions& options) {
    ConnectOptions connect = options.attachment.connect_options();
    connect.producer = options.id;
    // With receipts nothing is left to wait for at the end, and after Ctrl-C nobody wants to.
    if (options.wait != SendingOptions::Wait::none) connect.linger = 0ms;
    return connect;
}

const char* word_for(SendingOptions::Wait wait) {
    switch (wait) {
        case SendingOptions::Wait::none:
        case SendingOptions::Wait::safe:
            return "safe";
        case SendingOptions::Wait::arrived:
            return "arrived";
        case SendingOptions::Wait::consumed:
            return "consumed";
    }
    return "";
}

// "3 of 5 messages are safe", "0 of 1 message has arrived".
std::string so_many(std::uint64_t reached, std::uint64_t of, SendingOptions::Wait wait) {
    const bool arrived = wait == SendingOptions::Wait::arrived;
    const char* verb = of == 1 ? (arrived ? "has" : "is") : (arrived ? "have" : "are");
    return fmt::format("{} of {} {} {}", grouped(reached), counted(of, "message"), verb,
                       word_for(wait));
}

Stage stage_of(SendingOptions::Wait wait) {
    switch (wait) {
        case SendingOptions::Wait::arrived:
            return Stage::arrived;
        case SendingOptions::Wait::consumed:
            return Stage::consumed;
        case SendingOptions::Wait::none:
        case SendingOptions::Wait::safe:
            break;
    }
    return Stage::safe;
}

// Whoever forgot TEXT would wait for ever, and not know why.
void invite(const SendingOptions& options) {
    if (options.text || ::isatty(STDIN_FILENO) != 1) return;
    std::cerr << (options.lines ? "bus: each line you type is a message; end with Ctrl-D\n"
                                : "bus: type the message; end it with Ctrl-D\n");
}

}  // namespace

void SendingOptions::add_options(Command& command, const char* channel_name) {
    command.add_option(channel_name, channel, "Tokens of A-Z a-z 0-9 _ - joined by dots")
        ->required();
    auto* given = command.add_option("TEXT", text, "The message (default: standard input)");
    auto* each_line =
        command.add_flag("--lines", lines, "Each line of standard input is a message");
    each_line->excludes(given);
    command
        .add_option("--file", file,
                    "The message is this file; a large one is sent part by part, and never held "
                    "whole")
        ->check(existing_file())
        ->excludes(given)
        ->excludes(each_line)
        ->type_name("FILE");
    static const std::map<std::string, Wait> waits{{"none", Wait::none},
                                                   {"safe", Wait::safe},
                                                   {"arrived", Wait::arrived},
                                                   {"consumed", Wait::consumed}};
    command
        .add_choice("--receipt", wait,
                    "none, safe (on disk, or taken over by every destination), arrived (taken "
                    "over by the agent of every destination) or consumed (acknowledged at every "
                    "destination) (default: safe)",
                    waits)
        ->type_name("STAGE");
    command.add_flag("--require-destination", require_destination,
                     "That a message has nobody to go to is an error, with exit code 6");
    command
        .add_option(
            "--id", id,
            "Publish under this key once: what was published under it in the last 24 h, by an "
            "earlier try, is not published again")
        ->type_name("KEY");
    message.add_options(command);
    attachment.add_options(command);
}

Sending::Sending(const SendingOptions& options, const Interruption& interruption)
    : options_(options),
      interruption_(interruption),
      headers_(options.message.more_headers()),
      bus_(connect_options(options)),
      channel_(options.kind == Channel::Kind::topic ? bus_.topic(options.channel)
                                                    : bus_.queue(options.channel)) {
    // Receipts tell the same, and are counted; without them this does the counting.
    bus_.on_undelivered([this](const Message&, std::string_view) { ++undelivered_; });
}

void Sending::run() {
    if (options_.require_destination && options_.wait == SendingOptions::Wait::none)
        throw Failure(ExitCode::usage,
                      "only a receipt tells whether there is a destination: --require-destination "
                      "cannot go with --receipt none");
    if (!options_.id.empty()) options_.attachment.await_agent(bus_, interruption_);
    invite(options_);
    if (options_.text)
        send(*options_.text);
    else if (options_.lines)
        send_lines();
    else
        send_whole();
    check_interruption();
    if (options_.wait == SendingOptions::Wait::none) return leave_without_receipts();
    while (!pending_.empty()) await_oldest();
    progress_.clear();
    report();
    if (options_.kind == Channel::Kind::queue) mention_slip();
}

// A queue whose name was mistyped keeps the message for ever. Who may not ask the agent's admin
// socket finds it in the log.
void Sending::mention_slip() const {
    Json route;
    try {
        route = ask_agent(options_.attachment, {{"request", "route"},
                                                {"channel", options_.channel},
                                                {"queue", true},
                                                {"service", false}});
    } catch (const Failure&) {
        return;  // the messages are safe all the same
    }
    for (const Json& note : route.at("notes"))
        if (const auto words = note.get<std::string>(); words.ends_with("\"?"))
            std::cerr << "bus: " + words + "\n";
}

void Sending::send_lines() {
    MessageSource source{interruption_};
    while (const auto message = source.next()) send(*message);
}

void Sending::send_whole() {
    auto payload = options_.file.empty() ? PayloadFile::standard_input(interruption_)
                                         : std::optional{PayloadFile{options_.file}};
    if (!payload) return;
    if (payload->size() > streamed_from)
        send_stream(*payload);
    else
        send(payload->rest());
}

// Piece by piece, as the agent takes it.
void Sending::send_stream(PayloadFile& payload) {
    options_.attachment.await_agent(bus_, interruption_);
    StreamWriter out = channel_.open_stream(payload.size(), how());
    ++sent_;
    for (auto piece = payload.next(); !piece.empty(); piece = payload.next())
        while (!piece.empty()) {
            check_interruption();
            piece.remove_prefix(out.write_some(piece, glance));
            progress_.update([&] {
                return fmt::format("{} of {} sent", in_bytes(out.written()), in_bytes(out.size()));
            });
        }
    Receipt receipt = out.finish();
    if (options_.wait == SendingOptions::Wait::none) return;
    pending_.push_back({std::move(receipt), 0});
}

PublishOptions Sending::how() const {
    PublishOptions how = options_.message.publish_options(headers_);
    how.stage = stage_of(options_.wait);
    how.require_destination = options_.require_destination;
    how.timeout = room_patience;
    if (!options_.id.empty()) how.sequence = sent_;
    return how;
}

void Sending::send(std::string_view message) {
    const std::size_t bytes = message.size() + message_overhead;
    while (!pending_.empty() && pending_bytes_ + bytes > pending_bytes_max) await_oldest();
    check_interruption();
    const bool first = sent_++ == 0;
    if (!first && options_.wait == SendingOptions::Wait::none)
        return channel_.publish(message, how());
    Receipt receipt = channel_.send(message, how());
    if (first) await_first(receipt);
    if (options_.wait == SendingOptions::Wait::none) return;
    pending_.push_back({std::move(receipt), bytes});
    pending_bytes_ += bytes;
    collect_decided();
    progress_.update([this] { return progress_line(); });
}

// The first message shows whether there is an agent at all.
void Sending::await_first(const Receipt& receipt) {
    const auto give_up = std::chrono::steady_clock::now() + options_.attachment.connect_timeout();
    while (receipt.wait(std::min(glance, options_.attachment.connect_timeout())) ==
           Outcome::pending) {
        check_interruption();
        if (bus_.is_connected()) return;
        if (std::chrono::steady_clock::now() >= give_up) throw options_.attachment.nobody_answers();
    }
}

void Sending::await_oldest() {
    Pending& oldest = pending_.front();
    while (oldest.receipt.wait(glance) == Outcome::pending) {
        check_interruption();
        progress_.update([this] { return progress_line(); });
    }
    collect_decided();
}

void Sending::collect_decided() {
    while (!pending_.empty()) {
        const Outcome outcome = pending_.front().receipt.now();
        if (outcome == Outcome::pending) return;
        count(pending_.front().receipt, outcome);
        pending_bytes_ -= pending_.front().bytes;
        pending_.pop_front();
    }
}

void Sending::count(const Receipt& receipt, Outcome outcome) {
    if (outcome == Outcome::reached) {
        ++reached_;
        if (!receipt.reason().empty()) ++published_before_;
        if (receipt.destinations() == 0u) ++reached_nobody_;
        return;
    }
    if (outcome == Outcome::no_destination) ++unwanted_;
    if (failed_++ == 0)
        first_reason_ = fmt::format("{}{}{}", to_text(outcome),
                                    receipt.reason().empty() ? "" : ": ", receipt.reason());
}

void Sending::leave_without_receipts() {
    bus_.close();
    if (undelivered_ > 0)
        throw Failure(ExitCode::failed,
                      fmt::format("{} of {} did not get to the agent in time",
                                  grouped(undelivered_), counted(sent_, "message")));
}

void Sending::report() const {
    if (failed_ > 0)
        throw Failure(failed_ == unwanted_ ? ExitCode::no_destination : ExitCode::failed,
                      fmt::format("{}; the first that failed: {}",
                                  so_many(sent_ - failed_, sent_, options_.wait), first_reason_));
    if (published_before_ > 0)
        std::cerr << fmt::format("bus: {} of {} had been published before, under this --id\n",
                                 grouped(published_before_), counted(sent_, "message"));
    if (reached_nobody_ > 0 && options_.kind == Channel::Kind::topic)
        std::cerr << fmt::format("bus: reached nobody: {} of {}, for no subscription matches {}\n",
                                 grouped(reached_nobody_), counted(sent_, "message"),
                                 options_.channel);
}

void Sending::check_interruption() {
    if (!interruption_.asked()) return;
    progress_.clear();
    collect_decided();
    if (options_.wait == SendingOptions::Wait::none)
        std::cerr << fmt::format("bus: interrupted: {} sent\n", counted(sent_, "message"));
    else
        std::cerr << fmt::format("bus: interrupted: {}\n", so_many(reached_, sent_, options_.wait));
    throw Interrupted{};
}

std::string Sending::progress_line() const {
    const char* waits_for = "";
    if (!bus_.is_connected())
        waits_for = "; the agent is away, waiting for it";
    else if (options_.wait == SendingOptions::Wait::arrived && reached_ < sent_)
        waits_for = "; waiting for a consumer, or its agent";
    else if (options_.wait == SendingOptions::Wait::consumed && reached_ < sent_)
        waits_for = "; waiting until consumers have acknowledged";
    const double rate = static_cast<double>(sent_) / progress_.seconds();
    return fmt::format("{} sent, {} {}{}{}", grouped(sent_), grouped(reached_),
                       word_for(options_.wait),
                       rate < 10 ? "" : fmt::format(", {} a second", significant(rate)), waits_for);
}

}  // namespace bus::cli
