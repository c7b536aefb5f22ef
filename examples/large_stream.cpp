// A message that is larger than anybody wants to hold: a film of 12 MiB here, 1 GiB at
// most. The studio announces its size and writes frame after frame; the cinema gets the
// delivery with the first part and shows frames while the others are still on their way.
// Neither program, and no agent between them, has more than a few parts of it in memory.
//
// An agent refuses more than its channel's "max_message", 16 MiB unless configured, when
// the first part reaches it: write() or finish() then says so.
#include <bus/bus.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <thread>

using namespace std::chrono_literals;

namespace {

constexpr std::size_t frames = 3'000;
using Frame = std::array<std::byte, 4096>;

Frame frame_of(std::size_t number) {
    Frame frame;
    for (std::size_t i = 0; i < frame.size(); ++i)
        frame[i] = static_cast<std::byte>((number * 31 + i * 7) & 0xff);
    return frame;
}

void show(bus::Consumer& films) {
    bus::Delivery film = films.next_within(20s).value();
    std::cout << "the film has " << film.size() << " bytes\n";
    std::size_t number = 0, wrong = 0, filled = 0;
    Frame frame;
    while (const auto got = film.read(std::span{frame}.subspan(filled), 20s)) {
        filled += got;
        if (filled < frame.size()) continue;
        wrong += frame == frame_of(number++) ? 0 : 1;
        filled = 0;
    }
    film.ack();  // shown: until now it could come again, from the beginning
    std::cout << number << " frames were shown, " << wrong << " of them wrong\n";
}

}  // namespace

int main() {
    bus::Connection studio, cinema;
    auto films = cinema.receive("films", {.in_parts = true});
    std::thread showing{[&] { show(films); }};

    auto film = studio.queue("films").open_stream(frames * sizeof(Frame), {.timeout = 20s});
    for (std::size_t number = 0; number < frames; ++number) {
        const Frame frame = frame_of(number);
        film.write(bus::Payload{std::span<const std::byte>{frame}});
    }
    const auto receipt = film.finish();
    showing.join();
    std::cout << "the studio's receipt: " << bus::to_text(receipt.wait(5s)) << "\n";
}
