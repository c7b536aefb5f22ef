// A large Document Message, and why a Claim Check is seldom needed: an X-ray picture
// of 8 MiB is one message like any other. libbus cuts it into parts of 64 KiB, which
// agents journal, send and resend one by one; the consumer gets it whole or not at
// all, verified. Other channels go on in between.
//
// Both ends hold it whole in memory, which is right for a few megabytes: a consumer takes
// 16 MiB whole unless it asks for more. What is larger is a stream: large_stream.cpp.
#include <bus/bus.h>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <random>
#include <string>

using namespace std::chrono_literals;

namespace {

std::string take_picture() {
    std::mt19937_64 noise{7};
    std::string picture(8 * 1024 * 1024, '\0');
    for (char& pixel : picture) pixel = static_cast<char>(noise());
    return picture;
}

}  // namespace

int main() {
    const std::string picture = take_picture();
    bus::Connection hospital, doctor;
    auto pictures = doctor.receive("x-rays");
    const auto receipt = hospital.send("x-rays", picture, {.content_type = "image/x-raw"});

    bus::Delivery came = pictures.next_within(20s).value();
    std::cout << came.payload().size() << " bytes of " << *came.message().header("content-type")
              << ", " << (came.payload() == picture ? "every one as it was sent" : "DAMAGED")
              << "\n";
    came.ack();
    std::cout << "the hospital's receipt: " << bus::to_text(receipt.wait(5s)) << "\n";
}
