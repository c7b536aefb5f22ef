// Competing Consumers on a Point-to-Point Channel: three workers render the frames
// of a film. Each frame goes to exactly one of them, and who is slow gets fewer.
//
// The workers are threads here; as programs on any hosts they would share the
// queue in the same way. Each may have one frame and none ahead, for a frame in
// the hands of a busy worker is a frame that an idle one does not get.
#include <bus/bus.h>

#include <atomic>
#include <iostream>
#include <latch>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int worker_count = 3, frame_count = 12;

struct Film {
    std::vector<bus::Consumer> workers;
    std::latch all_at_work{worker_count};
    std::atomic<int> frames_left{frame_count};
};

// Ends when its consumer is closed, from whatever thread.
int render(Film& film, bus::Consumer& frames) {
    int rendered = 0;
    for (bus::Delivery frame : frames) {
        if (++rendered == 1) film.all_at_work.arrive_and_wait();
        frame.ack();
        if (--film.frames_left == 0)
            for (bus::Consumer& worker : film.workers) worker.close();
    }
    return rendered;
}

}  // namespace

int main() {
    bus::Connection bus;
    const bus::Channel queue = bus.queue("film.frames");
    for (int frame = 1; frame <= frame_count; ++frame) queue.publish(std::to_string(frame));

    Film film;
    for (int i = 0; i < worker_count; ++i)
        film.workers.push_back(bus.receive("film.frames", {.prefetch_messages = 1}));

    std::atomic<int> idle{0}, rendered{0};
    std::vector<std::jthread> threads;
    for (bus::Consumer& worker : film.workers)
        threads.emplace_back([&] {
            const int mine = render(film, worker);
            if (mine == 0) ++idle;
            rendered += mine;
        });
    threads.clear();  // joins
    std::cout << rendered << " frames rendered, " << idle << " workers idle\n";
}
