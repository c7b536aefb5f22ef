#include <doctest/doctest.h>
#include <signal.h>

#include <vector>

#include "job_environment.h"
#include "last_line.h"
#include "output.h"
#include "shell_job.h"

using namespace bus::cli;

namespace {

// Two writers of lines, in one text.
std::string written;
void write_down(std::string_view bytes) { written += bytes; }

struct Ran {
    ShellJob::End end;
    std::string output, errors;
};

struct Job {
    Job(std::string text, std::string_view input, std::vector<std::string> variables = {})
        : command(std::move(text)), environment(std::move(variables)) {
        environment.push_back("PATH=/usr/bin:/bin");
        ::signal(SIGPIPE, SIG_IGN);  // as Interruption does
        job.emplace(
            ShellJob::Run{.command = command,
                          .environment = environment,
                          .input = input,
                          .output = [this](std::string_view bytes) { ran.output += bytes; },
                          .errors = [this](std::string_view bytes) { ran.errors += bytes; }});
    }
    Ran& to_its_end() {
        while (!job->end()) turn();
        ran.end = *job->end();
        return ran;
    }
    void turn() {
        auto fds = job->wanted();
        REQUIRE(::poll(fds.data(), fds.size(), 20'000) > 0);
        job->look(fds);
    }

    const std::string command;
    std::vector<std::string> environment;
    Ran ran;
    std::optional<ShellJob> job;
};

}  // namespace

TEST_CASE("a command gets every byte of its input, however many, and is heard to its end") {
    std::string input(3'000'000, '\0');
    for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<char>(i * 7);
    Job job{"cat; echo done >&2; exit 3", input};
    const auto& ran = job.to_its_end();
    CHECK(ran.output == input);
    CHECK(ran.errors == "done\n");
    CHECK(ran.end.code == 3);
    CHECK(ran.end.signal == 0);
}

TEST_CASE("a command need not read its input") {
    const std::string input(3'000'000, 'x');
    Job job{"exec <&-; exit 0", input};
    CHECK(job.to_its_end().end.code == 0);
}

TEST_CASE("a signal ends a command and all that it started") {
    Job job{"echo up; cat /dev/zero | wc -l", {}};
    while (job.ran.output.empty()) job.turn();
    job.job->signal(SIGTERM);
    CHECK(job.to_its_end().end.signal == SIGTERM);
}

TEST_CASE("what a command leaves in the background is not waited for") {
    Job job{"sleep 1000 & echo $!", {}};
    const auto& ran = job.to_its_end();
    CHECK(ran.end.code == 0);
    REQUIRE_FALSE(ran.output.empty());
    CHECK(::kill(std::stoi(ran.output), SIGKILL) == 0);
}

TEST_CASE("a command that is let go is killed") {
    pid_t child = 0;
    {
        Job job{"echo $$; exec sleep 1000", {}};
        while (job.ran.output.find('\n') == std::string::npos) job.turn();
        child = std::stoi(job.ran.output);
    }
    CHECK(::kill(child, 0) == -1);  // and reaped
}

TEST_CASE("a command has the environment that it is given, and no signal of ours ignored") {
    Job job{"echo \"$BUS_KEY\"; kill -PIPE $$", {}, {"BUS_KEY=pump 7"}};
    const auto& ran = job.to_its_end();
    CHECK(ran.output == "pump 7\n");
    CHECK(ran.end.signal == SIGPIPE);
}

TEST_CASE("lines of several writers stay whole, and a last one gets its newline") {
    written.clear();
    LineBuffer a{write_down}, b{write_down};
    a.add("one and ");
    b.add("two\nth");
    a.add("a half\n");
    b.add("ree");
    a.finish();
    b.finish();
    CHECK(written == "two\none and a half\nthree\n");
}

TEST_CASE("a line that does not end is passed on in pieces") {
    written.clear();
    LineBuffer a{write_down};
    a.add(std::string(100'000, 'x'));
    CHECK(written.size() == 100'000);
    a.finish();
    CHECK(written.back() == '\n');
}

TEST_CASE("the last line with anything in it is the reason") {
    LastLine line;
    CHECK(line.text().empty());
    line.add("first\nsec");
    CHECK(line.text() == "sec");
    line.add("ond\n\n");
    CHECK(line.text() == "second");
    line.add("tab\there \xff\n");
    CHECK(line.text() == "tab?here ?");
    line.add(std::string(199, 'x') + "\xc3\xa4\xc3\xa4");
    CHECK(line.text() == std::string(199, 'x'));
}

TEST_CASE("a header's variable is its key in capitals") {
    CHECK(variable_of_header("content-type") == "BUS_HEADER_CONTENT_TYPE");
    CHECK(variable_of_header("x.Y 1") == "BUS_HEADER_X_Y_1");
}
