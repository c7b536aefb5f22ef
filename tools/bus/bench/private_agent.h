// An agent of the bench's own, with its configuration, journal and sockets in
// a folder. It can be killed and started again on the same journal.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "bench/process.h"

namespace bus::bench {

class PrivateAgent {
  public:
    struct Place {
        std::string name;              // "near"
        std::filesystem::path folder;  // made if it is not there
        std::filesystem::path executable;
        std::string listen;  // an endpoint; empty: it does not listen
    };
    struct Peer {
        std::string name, key, address;  // name: empty for none; address: empty if the peer dials
    };
    // Makes the identity; nothing runs yet.
    explicit PrivateAgent(Place place);

    const std::string& public_key() const noexcept { return public_key_; }
    std::string runtime() const { return place_.folder.string(); }

    // Writes the configuration. Before start().
    void configure(const Peer& peer, std::uint64_t journal_bytes_max);
    // Returns once the agent says that it is ready, and how long that took. Throws Error, with the
    // end of its log, if it does not; Interrupted.
    std::chrono::nanoseconds start(int interruption);
    void kill();
    // SIGTERM. Throws Error if it does not end in that time.
    void stop(std::chrono::seconds patience);
    const Process& process() const { return *process_; }

    // The answer to the admin request "status", as JSON.
    std::string status() const;
    std::uint64_t journal_file_bytes() const;

  private:
    void await_ready(int notify, int interruption) const;
    std::string end_of_log() const;
    std::filesystem::path file(const char* name) const { return place_.folder / name; }

    const Place place_;
    std::string public_key_;
    std::unique_ptr<Process> process_;
};

// Where bus-agent is: beside this executable, in its build tree or on PATH. Throws Error if
// nowhere.
std::filesystem::path find_agent();

}  // namespace bus::bench
