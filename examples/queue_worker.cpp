// A queue shared by workers: each job goes to exactly one of them. A job that
// fails is given back and comes again; one that never can be done goes to the
// dead letters with the reason.
//
//     queue_worker       works until no job has come for a second
//     queue_worker JOB   hands in a job
#include <bus/bus.h>

#include <chrono>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

namespace {

enum class Done { yes, try_again, never };

Done work(std::string_view job, unsigned attempt) {
    if (job.empty()) return Done::never;
    if (job == "flaky" && attempt == 1) return Done::try_again;
    std::cout << "did " << job << " at attempt " << attempt << std::endl;
    return Done::yes;
}

void serve(bus::Delivery& job) {
    switch (work(job.payload(), job.attempt())) {
        // A stale answer means that the agent was away: the job will come again.
        case Done::yes:
            (void)job.ack();
            return;
        case Done::try_again:
            (void)job.nack(100ms);
            return;
        case Done::never:
            (void)job.reject("an empty job");
            return;
    }
}

}  // namespace

int main(int argc, char** argv) {
    bus::Connection bus;
    if (argc > 1) {
        // Returns when libbus has it; the connection's end waits until the agent has it safe.
        bus.queue("jobs").publish(std::string_view{argv[1]});
        return 0;
    }
    // One job ahead of the one in hand: the others are free for other workers.
    auto jobs = bus.receive("jobs", {.prefetch_messages = 2});
    while (auto job = jobs.next_within(1s)) serve(*job);
}
