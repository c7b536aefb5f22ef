#include "executing.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>

#include "command.h"
#include "failure.h"
#include "figures.h"
#include "gap_text.h"
#include "interruption.h"
#include "job_environment.h"
#include "last_line.h"
#include "output.h"
#include "shell_job.h"

namespace bus::cli {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t concurrency_max = 256;
constexpr int data_error = 65;  // EX_DATAERR of sysexits.h
// Told to end, a command has so long before it is killed.
constexpr auto kill_patience = 2s;
// Messages whose verdict came after their agent had gone: they may come again.
constexpr std::size_t remembered_max = 1'024;
// A batch has room for that, and for headers.
constexpr std::size_t answer_bytes_max = 60 * 1024;

struct Verdict {
    // answer, fail: of a request.
    enum class What { done, back, reject, answer, fail } what = What::back;
    std::string text;  // the reason, or the answer
};

const char* words_for(Verdict::What what) {
    return what == Verdict::What::reject ? "rejected: "
           : what == Verdict::What::fail ? "the answer is an error: "
                                         : "it is given back";
}

std::string words_for(const ShellJob::End& end) {
    if (end.signal != 0)
        return fmt::format("was ended by signal {} ({})", end.signal, ::strsignal(end.signal));
    return fmt::format("ended with code {}", end.code);
}

// The shell's own codes for what it cannot find, or may not run.
bool could_not_start(const ShellJob::End& end) {
    return end.signal == 0 && (end.code == 126 || end.code == 127);
}

// One message, and the command that works on it.
struct Running {
    explicit Running(Delivery delivery) : id(delivery.message().id()) {
        copies.push_back(std::move(delivery));
    }
    const Delivery& first() const { return copies.front(); }

    const std::string id;
    // More than one where the agent was restarted meanwhile: only the last can be decided.
    std::vector<Delivery> copies;
    LineBuffer output{write_out}, errors{write_error};
    LastLine last_line;
    std::string answer;
    std::unique_ptr<ShellJob> job;
};

class Executing {
  public:
    Executing(const ExecTask& task, const Interruption& interruption, Consumer& consumer)
        : task_(task), options_(task.options), interruption_(interruption), consumer_(consumer) {}

    void run() {
        interruption_.await_second();
        do {
            if (may_take()) take();
            wait();
        } while (!is_done());
        conclude();
    }

  private:
    enum class Stage { taking, finishing, ending, killing };

    bool has_enough() const { return task_.count > 0 && decided_ + running_.size() >= task_.count; }
    bool may_take() const {
        return stage_ == Stage::taking && !has_enough() && running_.size() < options_.concurrency;
    }
    bool is_done() const {
        return running_.empty() && (stage_ != Stage::taking || silent_ || has_enough());
    }

    // ---- Waiting

    void wait() {
        if (is_done()) return;
        std::vector<pollfd> fds{
            {stage_ == Stage::taking ? interruption_.fd() : interruption_.second_fd(), POLLIN, 0},
            {may_take() ? consumer_.fd() : -1, POLLIN, 0}};
        for (const auto& one : running_)
            for (const auto& fd : one->job->wanted()) fds.push_back(fd);
        if (stage_ == Stage::ending || stage_ == Stage::killing) fds[0].fd = -1;
        const int ready = ::poll(fds.data(), fds.size(), patience_millis());
        if (ready < 0) return;  // EINTR
        if (ready == 0) return on_patience_over();
        if (fds[0].revents != 0) on_signal();
        look_at_jobs(std::span{fds}.subspan(2));
    }

    int patience_millis() const {
        if (stage_ == Stage::ending) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(kill_at_ - Clock::now());
            return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
        }
        if (!running_.empty() || task_.silence_seconds < 0) return -1;
        return static_cast<int>(std::ceil(std::min(task_.silence_seconds * 1000, 1e9)));
    }

    void on_patience_over() {
        if (stage_ != Stage::ending) {
            silent_ = true;
            return;
        }
        stage_ = Stage::killing;
        for (const auto& one : running_) one->job->signal(SIGKILL);
    }

    void on_signal() {
        interrupted_ = true;
        if (stage_ == Stage::taking) {
            stage_ = Stage::finishing;
            if (!running_.empty())
                std::cerr << fmt::format(
                    "bus: interrupted: no more is taken; {} to finish, "
                    "interrupt again to end them\n",
                    counted(running_.size(), "command"));
            return;
        }
        stage_ = Stage::ending;
        kill_at_ = Clock::now() + kill_patience;
        for (const auto& one : running_) one->job->signal(SIGTERM);
    }

    // ---- Taking

    void take() {
        tell_gap(consumer_);
        while (may_take()) {
            auto delivery = consumer_.next_within(0ms);
            if (!delivery) break;
            begin(std::move(*delivery));
        }
        if (!consumer_.is_open())
            throw Failure(ExitCode::failed, fmt::format("{}: {}", task_.channel, consumer_.why()));
    }

    void begin(Delivery delivery) {
        if (delivery.missed() > 0)
            std::cerr << fmt::format("bus: {} missing on {} before {}\n",
                                     counted(delivery.missed(), "message"),
                                     delivery.message().channel(), delivery.message().id());
        if (is_known(delivery)) return;
        auto one = std::make_unique<Running>(std::move(delivery));
        try {
            start(*one);
            running_.push_back(std::move(one));
        } catch (const Failure&) {
            throw;
        } catch (const Error& error) {
            stop_for(error.what());  // the message goes back as `one` ends
        }
    }

    // It came before, through an agent that has been restarted since.
    bool is_known(Delivery& delivery) {
        const auto id = delivery.message().id();
        const auto same = std::find_if(running_.begin(), running_.end(),
                                       [&](const auto& one) { return one->id == id; });
        if (same != running_.end()) {
            (*same)->copies.push_back(std::move(delivery));
            return true;
        }
        const auto found = undelivered_verdicts_.find(id);
        if (found == undelivered_verdicts_.end()) return false;
        static_cast<void>(give(delivery, found->second));
        undelivered_verdicts_.erase(found);
        return true;
    }

    void start(Running& one) {
        const auto environment = job_environment(one.first(), task_.runtime);
        ShellJob::Sink output;
        if (task_.answers)
            output = [&one](std::string_view bytes) {
                if (one.answer.size() <= answer_bytes_max) one.answer += bytes;
            };
        else if (options_.concurrency > 1)
            output = [&one](std::string_view bytes) { one.output.add(bytes); };
        one.job =
            std::make_unique<ShellJob>(ShellJob::Run{.command = options_.command,
                                                     .environment = environment,
                                                     .input = one.first().payload(),
                                                     .output = std::move(output),
                                                     .errors = [&one](std::string_view bytes) {
                                                         one.errors.add(bytes);
                                                         one.last_line.add(bytes);
                                                     }});
    }

    void stop_for(const std::string& why) {
        if (failure_.empty()) failure_ = why;
        if (stage_ == Stage::taking) stage_ = Stage::finishing;
    }

    // ---- Ends

    void look_at_jobs(std::span<const pollfd> fds) {
        for (std::size_t i = 0; i < running_.size(); ++i)
            running_[i]->job->look(fds.subspan(i * ShellJob::polled, ShellJob::polled));
        for (const auto& one : running_)
            if (one->job->end()) on_end(*one);
        std::erase_if(running_, [](const auto& one) { return one->job->end().has_value(); });
    }

    void on_end(Running& one) {
        one.output.finish();
        one.errors.finish();
        const Verdict verdict = task_.answers ? answer_of(one) : verdict_on(one);
        if (verdict.what != Verdict::What::done && verdict.what != Verdict::What::answer)
            tell(one, verdict);
        if (give(one.copies.back(), verdict) == Ack::stale) remember(one.id, verdict);
    }

    Verdict verdict_on(const Running& one) {
        const auto& end = *one.job->end();
        if (end.signal == 0 && end.code == 0) return {Verdict::What::done, {}};
        if (end.signal == 0 && is_rejection(end.code)) {
            const auto reason = one.last_line.text();
            return {Verdict::What::reject,
                    reason.empty() ? "the command " + words_for(end) : reason};
        }
        if (could_not_start(end))
            stop_for("the command cannot be started: " + one.last_line.text());
        return {Verdict::What::back, {}};
    }

    Verdict answer_of(const Running& one) {
        const auto& end = *one.job->end();
        if (could_not_start(end)) return verdict_on(one);
        if (end.signal == 0 && end.code == 0) {
            if (one.answer.size() > answer_bytes_max)
                return {Verdict::What::fail, "the answer is larger than 60 KiB"};
            return {Verdict::What::answer, one.answer};
        }
        const auto reason = one.last_line.text();
        return {Verdict::What::fail, reason.empty() ? "the command " + words_for(end) : reason};
    }

    bool is_rejection(int code) const {
        const auto& more = options_.reject_on;
        return code == data_error ||
               std::find(more.begin(), more.end(), static_cast<std::uint32_t>(code)) != more.end();
    }

    void tell(const Running& one, const Verdict& verdict) const {
        std::cerr << fmt::format("bus: {} {}, attempt {}: the command {}; {}{}\n", task_.channel,
                                 one.id, one.first().attempt(), words_for(*one.job->end()),
                                 words_for(verdict.what), verdict.text);
    }

    // Counted when the agent can hear of it.
    Ack give(Delivery& delivery, const Verdict& verdict) {
        const Ack told = decide(delivery, verdict);
        if (told == Ack::given) (verdict.what == Verdict::What::back ? given_back_ : decided_) += 1;
        return told;
    }

    Ack decide(Delivery& delivery, const Verdict& verdict) const {
        switch (verdict.what) {
            case Verdict::What::done:
                return delivery.ack();
            case Verdict::What::back:
                return delivery.nack(options_.retry_after.value_or(0ms));
            case Verdict::What::reject:
                return delivery.reject(verdict.text);
            case Verdict::What::answer:
            case Verdict::What::fail:
                return answer(delivery, verdict);
        }
        return Ack::stale;
    }

    // Whoever asked may want no answer.
    static Ack answer(Delivery& delivery, const Verdict& verdict) {
        if (!delivery.message().header("reply-to")) return delivery.ack();
        return verdict.what == Verdict::What::answer ? delivery.reply(verdict.text)
                                                     : delivery.fail(verdict.text);
    }

    void remember(const std::string& id, const Verdict& verdict) {
        if (undelivered_verdicts_.size() < remembered_max) undelivered_verdicts_[id] = verdict;
    }

    void conclude() const {
        if (interrupted_) {
            std::cerr << fmt::format("bus: interrupted: {} done with, {} given back\n",
                                     counted(decided_, "message"), grouped(given_back_));
            throw Interrupted{};
        }
        if (!failure_.empty()) throw Failure(ExitCode::failed, failure_);
        if (task_.count > 0 && decided_ < task_.count)
            throw Failure(
                ExitCode::too_few,
                fmt::format("{} of {} messages came, then nothing for {} s", grouped(decided_),
                            grouped(task_.count), significant(task_.silence_seconds)));
    }

    const ExecTask& task_;
    const ExecOptions& options_;
    const Interruption& interruption_;
    Consumer& consumer_;
    std::vector<std::unique_ptr<Running>> running_;
    std::map<std::string, Verdict> undelivered_verdicts_;
    Stage stage_ = Stage::taking;
    Clock::time_point kill_at_{};
    bool silent_ = false, interrupted_ = false;
    std::string failure_;
    std::uint64_t decided_ = 0;  // acknowledged or rejected
    std::uint64_t given_back_ = 0;
};

}  // namespace

Option* ExecOptions::add_exec(Command& bus_command, const std::string& words) {
    return bus_command.add_option("--exec", command, words)->type_name("CMD");
}

Option* ExecOptions::add_concurrency(Command& bus_command) {
    return bus_command
        .add_option("--concurrency", concurrency, "Commands that run at a time (default: 1)")
        ->check(number_within(std::uint64_t{1}, std::uint64_t{concurrency_max}))
        ->type_name("N");
}

void ExecOptions::add_serve_options(Command& bus_command) {
    add_exec(bus_command,
             "Run this shell command for each request, which it has on standard input; what it "
             "writes is the answer, or the last line of its standard error is the requester's")
        ->required();
    add_concurrency(bus_command);
}

void ExecOptions::add_options(Command& bus_command, const Option* instead_of) {
    Option* const exec =
        add_exec(bus_command,
                 "Run this shell command for each message, which it has on standard input; "
                 "exit code 0 acknowledges it");
    exec->excludes(instead_of);
    add_concurrency(bus_command)->needs(exec);
    bus_command
        .add_duration("--retry-after", retry_after,
                      "A message that is given back comes again after so long at the earliest")
        ->needs(exec);
    bus_command
        .add_list("--reject-on", reject_on,
                  "An exit code that rejects the message, as 65 does; may be given several times")
        ->check(number_within(std::uint64_t{1}, std::uint64_t{255}))
        ->type_name("CODE")
        ->needs(exec);
}

void execute(const ExecTask& task, const Interruption& interruption, Consumer& consumer) {
    Executing{task, interruption, consumer}.run();
}

}  // namespace bus::cli
